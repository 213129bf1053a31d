"""The MTAs of the laboratory, by name. Each has PROGRAMS that it needs, start, hold_queue, queued,
release, run_queue and submit."""
from .postfix import Postfix
from .sendmail import Sendmail

MTAS = {"postfix": Postfix, "sendmail": Sendmail}
