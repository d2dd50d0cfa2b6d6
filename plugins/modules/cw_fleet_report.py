#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_fleet_report
short_description: Write one report about all tenants and all their integrations
version_added: 0.1.0
description:
  - Writes C(fleet.html), one page that needs no network and shows every tenant and vendor with status, manual
    steps, rights, key age, changes and errors; C(fleet.json), the same as data; and C(failed) and C(left), lists of
    tenants for C(--limit @FILE). A list without tenants is C(!all), because Ansible takes an empty one for all hosts.
  - Without O(sources) it reports what M(msp.connectwise.cw_integration_report) and M(msp.connectwise.cw_fleet)
    have recorded in this run. Tenants and vendors that this run was not about stay as an earlier run has found
    them, and are marked so.
  - With O(sources) or O(handed_over) it merges reports, such as those of the slices of a job; of several results
    about one integration the newest counts, and an expected tenant without a result is unreachable.
  - It runs once for the whole play. In an C(always) section it also runs if everything failed.
  - Returns a digest of the report as an artifact (as M(ansible.builtin.set_stats) does), so that a workflow can merge
    it - statuses, times, numbers, and the path of C(fleet.json), which the merging reads if it sees that place. The
    artifact is one JSON text, because what lies on its way may read the types of YAML anew.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.fleet
options:
  directory:
    description:
      - Where the files go. Made if it does not exist. C(integration_report_dir), or C(connectwise_reports) beside the
        inventory, when left out; for a job on AWX a folder of its own in it, for merged reports C(merged).
    type: path
  playbook:
    description: What the report calls the run.
    type: str
    default: run
  sources:
    description:
      - Reports to merge - paths of C(fleet.json) files, directories with C(<tenant>/<vendor>.json) files as the
        role leaves them (also those of a run that was killed), or the artifacts of other jobs, as text or as data.
    type: list
    elements: raw
  handed_over:
    description:
      - Whether to merge what earlier jobs of a workflow on AWX have handed over as well - the variables named
        C(connectwise_fleet_) and a number.
    type: bool
    default: false
  max_age_hours:
    description:
      - How old the files in a directory of O(sources) may be to count, and what a report has kept of an earlier run.
    type: float
    default: 12
  expected:
    description: Tenants the report has to have. The hosts of the play when left out.
    type: list
    elements: str
  fail_on:
    description: Statuses of an integration that make its tenant one that failed. With V(drifted) V(new) counts as well.
    type: list
    elements: str
    choices: [absent, ready, new, drifted, pending, failed, unreachable]
    default: [failed, unreachable]
  artifact:
    description:
      - Name of the artifact; none when empty. C(connectwise_fleet) when left out, on AWX with the number of the job.
    type: str
  keep_jobs:
    description:
      - If O(directory) is the folder of a job on AWX (C(job-) and a number), how many such folders beside it are kept;
        those of the last day always are. A folder that holds anything but this module's files stays.
    type: int
    default: 30
  show:
    description: Whether to display the summary. V(false) leaves that to M(msp.connectwise.cw_summary) in a later task.
    type: bool
    default: true
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Write the fleet report
  msp.connectwise.cw_fleet_report:
    directory: "{{ inventory_dir }}/connectwise_reports"
    playbook: onboard

- name: Merge what three slices have found
  msp.connectwise.cw_fleet_report:
    directory: merged
    sources:
      - slice1/fleet.json
      - slice2/fleet.json
      - slice3
"""

RETURN = r"""
counts:
  description: How many integrations there are of each status.
  returned: always
  type: dict
errors:
  description: For each such tenant a line for each of its integrations that this run itself has found so.
  returned: always
  type: dict
unasked:
  description:
    - Why C(finish) fails that asked nobody for the keys that it waits for, and did nothing else.
    - Also why a run fails that did not store each key of a file, although nothing else failed.
  returned: at the end of such a run
  type: str
failed_tenants:
  description: Tenants with an integration whose status is one of O(fail_on).
  returned: always
  type: list
  elements: str
lines:
  description:
    - The summary, which says in about ten plain lines what the state of the fleet is, who has to do what, and what to
      type next.
  returned: always
  type: list
  elements: str
files:
  description: Paths of what was written, by name.
  returned: not in check mode
  type: dict
removed:
  description: Folders of earlier jobs that were removed.
  returned: not in check mode
  type: list
  elements: str
"""
