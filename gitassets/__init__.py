"""Review, lock, regenerate and build the assets of a video, with git and DVC."""

import os

__version__ = "0.2.0"

# Libraries that report how they are used, unless they are told not to before they are imported: onnxruntime, which the
# local voice needs, looks for a server on the first import, and DVC's own commands send reports.
os.environ.update(ORT_DISABLE_TELEMETRY="1", DVC_NO_ANALYTICS="1")
