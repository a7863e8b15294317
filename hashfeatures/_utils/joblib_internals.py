"""The private parts of joblib that this package uses, of its copies of loky and cloudpickle.

joblib may move them in any release. Then only this module has to change. Workers import it.
"""

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend.reduction import dumps as pickle_for_worker
from joblib.externals.loky.process_executor import TerminatedWorkerError

__all__ = ["ProcessPoolExecutor", "TerminatedWorkerError", "pickle_for_worker"]
