import importlib.util
import sys

import pytest

from vsum_core.engines.engine import EngineError
from vsum_core.engines.preparation import Preparation
from vsum_core.engines.ray_engine import RayEngine


def test_without_ray_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install -r requirements-ray\.txt"):
        RayEngine(address=None, threads=1)


@pytest.fixture
def cluster():
    """Two nodes of one core each on this machine; yields the cluster and the second node."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install -r requirements-ray.txt")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    second = nodes.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    yield nodes, second
    nodes.shutdown()


class KillsNode(RayEngine):
    """A node is killed with SIGKILL when an actor on it has begun its second task."""

    def __init__(self, nodes, node):
        super().__init__(address=nodes.address, threads=1)
        self.nodes, self.node = nodes, node
        self.begun = []

    def begin(self, worker, work):
        super().begin(worker, work)
        self.begun.append(self._actors[worker.name].node)
        if self.begun.count(self.node.node_id) == 2 and self.begun[-1] == self.node.node_id:
            self.nodes.remove_node(self.node, allow_graceful=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_node_of_a_cluster_is_killed_and_the_manifest_stays_the_same(tiny_run, cluster, tmp_path):
    alone = tiny_run(tmp_path / "alone")
    engine = KillsNode(*cluster)
    preparation = Preparation(engine)
    assert tiny_run(tmp_path / "together", preparation) == alone
    assert len(set(engine.begun)) == 2
    assert preparation.spent.lost >= 1
