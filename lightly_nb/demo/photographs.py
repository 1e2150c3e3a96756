"""The photographs that the demo is cut from: where each one ships, who took it, and its licence.

Every picture was looked at and its licence read (`debian/copyright` and `metadata.json` in the Debian
packages; the docstrings of `skimage.data` and the README beside scikit-learn's images in the wheels).
Only real photographs are listed: the same packages also hold renders, gradients and drawings.
"""

from __future__ import annotations

from typing import NamedTuple


class Photograph(NamedTuple):
    """One photograph inside an installable package."""

    package: str
    """Debian package, or the import name of a wheel (see `WHEELS`)."""
    file: str
    """Path below the package's `ROOTS` folder."""
    name: str
    """Folder and stem of its crops in the demo: what is on it."""
    author: str
    licence: str


ROOTS = {
    "mate-backgrounds": "usr/share/backgrounds/mate/nature",
    "lomiri-wallpapers-16.04": "usr/share/backgrounds",
    "lomiri-wallpapers-20.04": "usr/share/backgrounds",
    "lxqt-themes": "usr/share/lxqt/wallpapers",
    "plasma-workspace-wallpapers": "usr/share/wallpapers",
    "skimage": "data",
    "sklearn": "datasets/images",
}
"""Folder of the pictures in each package."""

WHEELS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}
"""Import name to distribution name of the wheels among the packages."""


def _of(package: str, *rows: tuple[str, str, str, str]) -> list[Photograph]:
    return [Photograph(package, *row) for row in rows]


# fmt: off
MATE = _of(
    "mate-backgrounds",
    ("Aqua.jpg", "water/drop", "Charles Barbin", "GPL-2+"),
    ("Blinds.jpg", "plants/leaves/veins", "Lennart Poettering, Andrea Cimitan", "GPL-2+"),
    ("Dune.jpg", "plants/dune grass", "Marco Cogoni, Hylke Bons", "GPL-2+"),
    ("FreshFlower.jpg", "fleurs d'été/orange", "Jens Ansorg", "GPL-2+"),
    ("Garden.jpg", "fleurs d'été/œillet d'Inde", "Charles Barbin", "GPL-2+"),
    ("GreenMeadow.jpg", "plants/meadow", "Timothy Schellhase, Lapo Calamandrei", "GPL-2+"),
    ("LadyBird.jpg", "animals/insects/ladybird 🐞", "Charles Barbin", "GPL-2+"),
    ("RainDrops.jpg", "plants/leaves/rain drops", "blackcombwhistler07", "GPL-2+"),
    ("Storm.jpg", "sky/storm", "Sergey Nazarov", "GPL-2+"),
    ("TwoWings.jpg", "fleurs d'été/pissenlit", "Charles Barbin, Hylke Bons", "GPL-2+"),
    ("Wood.jpg", "things/wood", "Jean-François Fortin Tam", "GPL-2+"),
    ("YellowFlower.jpg", "fleurs d'été/jaune", "Charles Barbin", "GPL-2+"),
)

LOMIRI = _of(
    "lomiri-wallpapers-16.04",
    ("Bridge_by_Sander_Klootwijk.jpg", "sky/bridge cables", "Sander Klootwijk", "CC-BY-SA-4.0"),
    ("Dragonfly_by_Bolly.jpg", "plants/leaves/dragonfly tree", "Bolly", "CC-BY-SA-4.0"),
    ("Picture_0B_by_freespace.jpg", "things/fig in a bowl", 'Trevor "Freespace"', "CC-BY-4.0"),
    ("Picture_1A_by_freespace.jpg", "things/brushes", 'Trevor "Freespace"', "CC-BY-4.0"),
    ("Wine_by_Jakkub_Mede.jpg", "things/room with a drum", "Jakub Mede", "CC-BY-4.0"),
    ("aitzgorri_by_Aitzol_Berasategi.jpg", "山/aitzgorri", "Aitzol Berasategi", "CC-BY-4.0"),
    ("free_by_Peter_Nerlich.jpg", "things/lamp bird", "Peter Nerlich", "CC-BY-SA-4.0"),
    ("friends_by_Aitzol_Berasategi.jpg", "animals/dogs", "Aitzol Berasategi", "CC-BY-4.0"),
    ("greentock_by_Peter_Nerlich.jpg", "things/clock", "Peter Nerlich", "CC-BY-SA-4.0"),
    ("life_by_Aitzol_Berasategi.jpg", "森/brook", "Aitzol Berasategi", "CC-BY-4.0"),
    ("picosdeeuropa_by_Aitzol_Berasategi.jpg", "山/picos de europa", "Aitzol Berasategi", "CC-BY-4.0"),
    ("seeding_by_Clements_Engelhardt.jpg", "plants/dandelions", "Clemens Engelhardt", "CC0-1.0"),
    ("sunset_by_Aitzol_Berasategi.jpg", "山/sunset", "Aitzol Berasategi", "CC-BY-4.0"),
) + _of(
    "lomiri-wallpapers-20.04",
    ("Kleiber_by_Lukas_Baubkus.jpg", "animals/birds/nuthatch", "Lukas Baubkus", "CC-BY-SA-3.0"),
)

LXQT = _of(
    "lxqt-themes",
    ("Valendas.png", "山/Valendas", "LXQt team", "LGPL-2.1+"),
    ("after-the-rain.jpg", "sky/after the rain", "LXQt team", "LGPL-2.1+"),
    ("appleflower.png", "fleurs d'été/pommier", "LXQt team", "LGPL-2.1+"),
    ("beam.png", "sky/beam", "LXQt team", "LGPL-2.1+"),
    ("butterfly.png", "animals/insects/swallowtail 🦋", "LXQt team", "LGPL-2.1+"),
    ("Butterfly-Kenneth-Wimer.jpg", "animals/insects/fritillary 🦋", "Kenneth Wimer", "LGPL-2.1+"),
    ("cloud.png", "sky/cloud", "LXQt team", "LGPL-2.1+"),
    ("drop.png", "plants/leaves/dew drop", "LXQt team", "LGPL-2.1+"),
    ("flowers.png", "fleurs d'été/prairie", "LXQt team", "LGPL-2.1+"),
    ("fog.jpg", "fields/fog", "LXQt team", "LGPL-2.1+"),
    ("this-is-not-windows.jpg", "fields/hill", "LXQt team", "LGPL-2.1+"),
)

_PLASMA_FILE = "{}/contents/images/2560x1600.jpg"
PLASMA = _of(
    "plasma-workspace-wallpapers",
    (_PLASMA_FILE.format("BytheWater"), "water/planks", "Maciej Wiklo", "LGPL-3"),
    (_PLASMA_FILE.format("ColdRipple"), "water/jetty", "Risto Saukonpää", "LGPL-3"),
    (_PLASMA_FILE.format("ColorfulCups"), "things/cups", "Dmitri Popov", "LGPL-3"),
    (_PLASMA_FILE.format("DarkestHour"), "water/before dawn", "Risto Saukonpää", "LGPL-3"),
    (_PLASMA_FILE.format("EveningGlow"), "water/boats", "Ian Hex", "LGPL-3"),
    (_PLASMA_FILE.format("FallenLeaf"), "plants/leaves/autumn 🍂", "Martin Klapetek", "LGPL-3"),
    (_PLASMA_FILE.format("Grey"), "buildings/facade", "Sigi Sagi", "LGPL-3"),
    (_PLASMA_FILE.format("Kite"), "sky/kite", "Risto Saukonpää", "LGPL-3"),
    (_PLASMA_FILE.format("OneStandsOut"), "plants/moss", "Risto Saukonpää", "LGPL-3"),
    (_PLASMA_FILE.format("Path"), "森/path", "Risto Saukonpää", "LGPL-3"),
    (_PLASMA_FILE.format("summer_1am"), "water/été à 1 h du matin", "Risto Saukonpää", "LGPL-3"),
)

IN_WHEELS = _of(
    "skimage",
    ("astronaut.png", "people/astronaut", "NASA", "public domain"),
    ("brick.png", "textures/brick", "cc0textures.com", "CC0-1.0"),
    ("camera.png", "people/camera", "Lav Varshney", "CC0-1.0"),
    ("chelsea.png", "animals/cats/chelsea 🐈", "Stefan van der Walt", "CC0-1.0"),
    ("coffee.png", "things/café", "Rachel Michetti", "CC0-1.0"),
    ("coins.png", "things/coins", "Brooklyn Museum", "no known copyright restrictions"),
    ("grass.png", "textures/grass", "linolafett", "CC0-1.0"),
    ("gravel.png", "textures/gravel", "cc0textures.com", "CC0-1.0"),
    ("hubble_deep_field.jpg", "science/hubble", "NASA", "public domain"),
    ("ihc.png", "science/tissue", "Center for Microscopy and Molecular Imaging",
     "no known copyright restrictions"),
    ("retina.jpg", "science/retina", "Mikael Häggström", "CC0-1.0"),
    ("rocket.jpg", "science/rocket 🚀", "SpaceX", "public domain"),
) + _of(
    "sklearn",
    ("china.jpg", "buildings/頤和園", "danielbuechele", "CC-BY-2.0"),
    ("flower.jpg", "fleurs d'été/dahlia", "vultilion", "CC-BY-2.0"),
)
# fmt: on

IN_DEBIAN_PACKAGES = MATE + LOMIRI + LXQT + PLASMA

WHOLE = (
    "mate-backgrounds/Dune.jpg",
    "mate-backgrounds/Storm.jpg",
    "lomiri-wallpapers-16.04/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "lxqt-themes/fog.jpg",
    "lxqt-themes/after-the-rain.jpg",
    "skimage/rocket.jpg",
    "sklearn/china.jpg",
)
"""`package/file` of those that the demo also holds whole, byte for byte: large, some with a camera's EXIF."""
