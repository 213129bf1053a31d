"""The MTAs of the laboratory, by name. Each has PROGRAMS that it needs, start, hold_queue, queued,
release, run_queue and submit. "sekisho" is sekishod without another MTA."""
from .debian import DebianPostfix, DebianSendmail
from .postfix import Postfix
from .sendmail import Sendmail
from .standalone import Standalone

MTAS = {"postfix": Postfix, "sendmail": Sendmail, "sekisho": Standalone}
# The same with the defaults of Debian's packages.
DEBIAN = {"postfix": DebianPostfix, "sendmail": DebianSendmail}
