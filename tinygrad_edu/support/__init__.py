"""Support: the small tools of all rooms.

Files that are whole or not there, figures and their colors, tables, threads, how programs end, what is said
where a library is missing or a keyword is not known, and whose line a warning names. Nothing here knows what
a network is.
"""

from tinygrad_edu.support import colors
from tinygrad_edu.support.figures import new_figure, save_figure, signed_colors
from tinygrad_edu.support.files import check_name, check_writable, replacing
from tinygrad_edu.support.keywords import known_as
from tinygrad_edu.support.libraries import needed, not_installed
from tinygrad_edu.support.programs import program
from tinygrad_edu.support.signs import SIGNS
from tinygrad_edu.support.tables import (
    aligned,
    html_table,
    markdown_table,
    name_list,
    number,
    small,
    text_table,
    wrap,
)
from tinygrad_edu.support.threads import limit_threads, threads_for
from tinygrad_edu.support.warning import warn_caller
from tinygrad_edu.support.ways import Way, Ways, magnitude

__all__ = [
    "SIGNS",
    "Way",
    "Ways",
    "aligned",
    "check_name",
    "check_writable",
    "colors",
    "html_table",
    "known_as",
    "limit_threads",
    "magnitude",
    "markdown_table",
    "name_list",
    "needed",
    "new_figure",
    "not_installed",
    "number",
    "program",
    "replacing",
    "save_figure",
    "signed_colors",
    "small",
    "text_table",
    "threads_for",
    "warn_caller",
    "wrap",
]
