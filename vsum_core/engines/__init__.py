"""Where the work of a run is done: in this process, in several processes, or on a cluster of machines.

An engine starts workers and hands them tasks; it knows nothing of summaries. :mod:`vsum_core.engines.preparation` cuts
a run into tasks. Their results lie in the run directory, which every worker must see, under keys that hold everything
they depend on; so a task may be lost and done again, or done twice, without any harm.
"""
