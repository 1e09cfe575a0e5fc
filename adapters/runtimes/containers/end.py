"""The last thing that the keeper of a containerised model does: end its container.

python -m adapters.runtimes.containers.end
"""

import os

from adapters.runtimes.containers.engines import end

if __name__ == "__main__":
    end(os.getppid())
