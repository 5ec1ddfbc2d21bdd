"""What is wrong with a design: every name in it must lead somewhere. Each message says what to change."""

from collections.abc import Iterator

from study.attention import UnknownCheckError, get_check
from study.design import Block, DesignError
from study.models import Study
from study.questionnaires import UnknownQuestionnaireError, get_questionnaire
from study.tasks import TaskOptionsError, UnknownTaskError, get_task


def design_problems(study: Study) -> list[str]:
    """Return what is wrong with the study's blocks and questionnaires; empty where all is well."""
    try:
        blocks, questionnaires = study.task_blocks, study.placed_questionnaires
    except DesignError as error:
        return [str(error)]
    problems = [
        f"Block {number}: {problem}"
        for number, block in enumerate(blocks, start=1)
        for problem in _problems_of_block(block)
    ]
    for placed in questionnaires:
        try:
            get_questionnaire(placed.questionnaire)
        except UnknownQuestionnaireError as error:
            problems.append(str(error))
    return problems


def _problems_of_block(block: Block) -> Iterator[str]:
    try:
        task = get_task(block.task)
    except UnknownTaskError as error:
        yield str(error)
        return
    try:
        task.read_options(block.options)
    except TaskOptionsError as error:
        yield str(error)
    for key in block.practice:
        try:
            task.practice_item(key)
        except LookupError as error:
            yield str(error)
    for name in block.attention:
        try:
            if not get_check(name).keys(task):
                yield f"Attention check {name!r} has no item for task {task.name!r}; take it out."
        except UnknownCheckError as error:
            yield str(error)
