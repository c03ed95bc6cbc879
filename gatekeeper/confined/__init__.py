"""Confined children: code that parses hostile bytes runs in a process that can do nothing else.

`Server` starts one fresh, isolated interpreter that imports what the work needs and then forks a child for each job:
starting costs once, and a job that dies takes nothing with it. Each child has limits on CPU time, wall time, memory,
file size and answer size, none of the user's environment, no open files but its pipe, and where the kernel can do it
no network, no new processes, no signals to others and no writing outside one folder. `abilities` says which of these
hold here. What comes back is bytes; believe none of them before they were read strictly.

Modules: `bounds` (the nouns), `server` (this side), `serving` (the process that forks), `job` (the child of one job),
`kernel`, `landlock` and `seccomp` (what Linux takes away from it), `folders` (private folders that no crash leaves
behind for long).
"""

from __future__ import annotations

from gatekeeper.confined.bounds import Bounds, Ending
from gatekeeper.confined.folders import private_folder
from gatekeeper.confined.server import Server, abilities

__all__ = ["Bounds", "Ending", "Server", "abilities", "private_folder"]
