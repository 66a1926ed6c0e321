"""How fast this machine's engines are, beside other libraries that are installed: workloads, contenders, measuring.

workloads     what is done
examples      with which data
contenders    by whom, and in which ways
runners/      how each library does it
worker        the process in which one contender runs
rounds        the turns that they take
peak          what the processor can do at most
results       times, ratios, shares of the peak
"""

from chainrule.bench.peak import Peak, measure
from chainrule.bench.results import Comparison, Measured
from chainrule.bench.rounds import compare
from chainrule.bench.workloads import WORKLOADS, Workload, find

__all__ = ["WORKLOADS", "Comparison", "Measured", "Peak", "Workload", "compare", "find", "measure"]
