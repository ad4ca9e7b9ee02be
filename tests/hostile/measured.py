"""measured.py FILE PROGRAM …: runs it, ends as it ended, and leaves in FILE how much memory it took at most, in KiB.

A process of its own for this, since what a program starts from counts as its memory: here some 10 MiB.
"""

import os
import sys

child = os.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w", encoding="ascii") as file:
    file.write(str(used.ru_maxrss))
os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
