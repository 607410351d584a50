"""`threadbook doctor`: what is wrong with the settings and the servers, in sentences, without a secret."""

import sys

from pydantic import ValidationError

from bot.doctor_reach import reach_findings
from bot.doctor_settings import explain, settings_findings
from bot.findings import Finding, Level
from bot.settings import Settings

__all__ = ["explain", "run_doctor"]


def run_doctor(settings: Settings | ValidationError) -> int:
    """Print a line per finding; return 0 when nothing is wrong, else 1."""
    if isinstance(settings, ValidationError):
        findings = [Finding(Level.WRONG, "settings", words) for words in explain(settings)]
    else:
        findings = [*settings_findings(settings), *reach_findings(settings)]
    for finding in findings:
        sys.stdout.write(f"{finding.level:<7}{finding.subject:<11}{finding.words}\n")
    wrong = sum(finding.level is Level.WRONG for finding in findings)
    sys.stdout.write(f"\n{wrong or 'Nothing'} {'things are' if wrong > 1 else 'thing is' if wrong else 'is'} wrong.\n")
    return 1 if wrong else 0
