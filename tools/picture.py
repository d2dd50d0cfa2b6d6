# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of the fleet report and of the page that teaches routes.

python tools/workspace.py python tools/picture.py [FILE]

Needs Chromium. It is run by hand when the page has changed; the picture is kept with the sources.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import Browser  # noqa: E402 - found through the line above
from tests.playground import VENDORS, Playground  # noqa: E402
from tests.simulator.client import Simulator  # noqa: E402

PICTURE = ROOT / "docs" / "images" / "fleet_report.png"
LOOKED_AFTER = ("alpine", "birch", "canyon", "delta", "elm", "harbor")
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        *({"company_id": name, "site": "na", "profile": "extended"} for name in (*LOOKED_AFTER[:-1], "fjord")),
        {"company_id": LOOKED_AFTER[-1], "site": "onprem", "profile": "published"},
    ],
}
# Four of the demo's vendors, and one whose page is known in part.
SHOWN = [*(name for name in VENDORS if name != "acct_sync"), "huntress"]
WIDTH, HEIGHT = 1080, 740


def mishaps(simulator: Simulator) -> None:
    """Change tenants by hand, and make others refuse, as a nightly audit finds them."""
    roles = [role["name"] for role in simulator.state("birch")["roles"]]
    more, less = (next(name for name in roles if word in name) for word in ("Umbrella", "zofiQ"))
    everything = {"module": "Companies", "function": "Contacts", "levels": "All"}
    simulator.edit("birch", {"op": "set_levels", "role": more, **everything})
    simulator.edit("birch", {"op": "set_levels", "role": less, **everything, "levels": "None"})
    (key,) = simulator.state("canyon")["keys"]["Umbrella"]
    simulator.edit("canyon", {"op": "delete_key", "public_key": key["public_key"]})
    simulator.faults({"fault": "status", "status": 503, "tenant": "delta"})
    simulator.faults({"fault": "status", "status": 403, "tenant": "elm", "path": "mySecurity"})


def report(ground: Playground, simulator: Simulator) -> Path:
    ground.play("onboard", "--limit", ",".join(LOOKED_AFTER))
    steps = ground.reports()["harbor"]["umbrella"]["manual_steps"]
    made = simulator.operator("harbor", steps)
    ground.store_keys("harbor", made)
    mishaps(simulator)
    ground.play("audit", cw_retries=0)
    return ground.directory / "connectwise_reports" / "fleet.html"


def choreography(ground: Playground) -> Path:
    """The page that a person follows to teach the routes of a version."""
    ground.play("learn_routes", "--limit", "harbor")
    return ground.directory / "connectwise_routes" / "lessons" / "harbor" / "choreography.html"


def take(page: Path, folder: Path, height: int, picture: Path) -> None:
    with Browser(folder, WIDTH, height) as browser:
        browser.viewport(WIDTH, height)
        browser.media(prefers_color_scheme="light")
        browser.open(page.as_uri())
        shot = browser.screenshot()
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(shot)
    print(picture)


def main() -> int:
    picture = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with Simulator(TENANTS, place / "simulator") as simulator:
            ground = Playground(place / "fleet", simulator.ready, cw_integrations=SHOWN)
            lesson = choreography(ground)
            take(lesson, place, 880, picture.with_name("choreography.png"))
            take(report(ground, simulator), place, HEIGHT, picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
