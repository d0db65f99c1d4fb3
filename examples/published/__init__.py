"""What the sources published, and what comes out when we do the same: the rooms of reproduce.py.

`runs` learns and measures, with plain settings in and plain numbers out; `results` keeps what was
measured, a small file a run. `claims` says what was published, by which run it is measured and when it
counts as reproduced; `ladders` says what is measured along a row of settings. `figures` draws and `page`
writes it down.
"""
