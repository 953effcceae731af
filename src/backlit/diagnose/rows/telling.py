"""A report in words: the rows to look at first, and what was found of the rest."""

from typing import TYPE_CHECKING

from backlit.diagnose.rows.reasons import share

if TYPE_CHECKING:
    from backlit.diagnose.rows.report import RowsReport

SHOWN, FEW = 10, 3
"""Rows in the text: suspicious ones, and where there are none."""

WAYS_SHOWN = 3


def in_words(report: "RowsReport", shown: int = SHOWN) -> str:
    """The summary, a line each, and the first rows of the ranking."""
    rows = len(report.score)
    lines = [f"{rows:,} rows, {report.task}; judged by {report.trainings} trainings in {report.seconds:.1f} s"]
    if report.task == "numbers":
        far = int((report.score > 5).sum())
        lines.append(f"far off      {far:,} rows lie more than 5 times the usual residual from the prediction")
    else:
        lines += _of_classes(report, rows)
    copies = int((report.copy_of >= 0).sum())
    redundant = f"redundant    {report.redundant.sum():,} rows ({share(report.redundant.mean())})"
    lines.append(redundant + (f", {copies:,} of them copies of another" if copies else ""))
    lines += [f"not judged   {reason}" for reason in report.not_judged]
    first = report.ranking[:shown] if report.task == "numbers" else report.suspicious[:shown]
    heading = "the most suspicious first:"
    if not len(first):
        first, heading = report.ranking[: min(shown, FEW)], "nearest to it, all the same:"
    if len(first):
        lines += ["", heading]
        lines += [f"  row {row}  {report.score[row]:.4g}  {report.why[row]}" for row in first.tolist()]
    return "\n".join(lines)


def _of_classes(report: "RowsReport", rows: int) -> list[str]:
    suspicious = report.suspicious
    lines = [
        f"suspicious   {len(suspicious):,} labels ({share(len(suspicious) / rows)}) are more likely wrong than right"
    ]
    slips = report.slips[:WAYS_SHOWN]
    if slips:
        ways = ", ".join(f"{slip['class']} labelled {slip['label']} ({slip['rows']})" for slip in slips)
        lines.append(f"             most often {ways}")
    lines.append(
        f"hard         {len(report.never_learnt):,} rows never learnt, "
        f"{len(report.often_forgotten):,} learnt and forgotten again and again"
    )
    return lines
