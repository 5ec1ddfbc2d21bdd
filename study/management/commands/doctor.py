"""``manage.py doctor``: is this installation fit to run studies, and if not, what is to be done?"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from study.diagnosis import Level, diagnose
from study.management.console import console

SIGNS = {Level.OK: "ok      ", Level.WARNING: "warning ", Level.PROBLEM: "PROBLEM "}


class Command(BaseCommand):
    """Look at database, storage, worker, device, weights, mail, clock, keys and HTTPS; say what to do."""

    help = "Check this installation and say what to mend. Exit code 1 when there is a problem, 0 with warnings only."
    requires_system_checks: list[str] = []  # it runs where things are broken
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--quick", action="store_true", help="leave out what takes seconds: PyTorch's device")
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, **options: Any) -> None:
        """Print every finding; exit with 1 when one is a problem."""
        target = console(self.stdout)
        findings = []
        for finding in diagnose(quick=options["quick"]):
            findings.append(finding)
            if not options["json"]:
                target.print(f"{SIGNS[finding.level]}{finding.what}: {finding.found}", soft_wrap=True)
                if finding.mend:
                    target.print(f"        → {finding.mend}", soft_wrap=True)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
        problems = sum(finding.level == Level.PROBLEM for finding in findings)
        if not options["json"]:
            warnings = sum(finding.level == Level.WARNING for finding in findings)
            target.print(f"{len(findings)} looked at, {problems} problems, {warnings} warnings.")
        if problems:
            sys.exit(1)
