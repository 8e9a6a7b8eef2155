"""Names that are almost right: the photo that a row means if its `file_name` is no photo's name.

A name and a photo match if their keys are equal. Keys ignore more and more differences: letter case and the form of
characters, quotation marks, `%20` and what separates words; a folder in front or left out; the suffix; leading zeros.
Only unique matches count: no other photo and no other name in the labels has that key.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import unquote

import pandas as pd

from realage.core.columns import FILE_NAME
from realage.labels.invisible import without_invisible
from realage.labels.lookup import counts_of, places_of

SUFFIXES = r"(?:\.(?:jpe?g|jpe|jfif|png|webp|bmp|gif|tiff?|hei[cf]|avif|cr2|nef|arw|dng|raw|0))+$"  # .0: from a number
AROUND = " .='\"`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a"  # quotes, and a formula's sign
BETWEEN = re.compile(r"[\s_\-\u2010-\u2015]+")  # words of a name; uploads write others
QUERY = re.compile(r"(?<=.)[?#].*", re.DOTALL)  # of a web address
MAX_FOLDERS = 20  # in front of a name, or left out
WIDESPREAD = 0.5  # share of the rows from which on a mistake is told once for all
NAME, MEANT, DIFFERENCE = "name", "photo", "difference"  # columns of `photos_meant`
CURES = {
    "form": ("with other letters, spaces, marks or slashes", "copy the names from the folder"),
    "suffix": ("without its suffix or with another one", "write the suffix of the photo's file"),
    "zeros": ("without leading zeros", "write the zeros (in a spreadsheet, import the column as text)"),
    "in front": ("with a folder in front", "write names relative to dataset.images"),
    "left out": ("without its folder", "write the folder too, or set dataset.images to it"),
}


class _Key(NamedTuple):
    """Which differences a key ignores, and the function that computes the keys of folded names."""

    ignores: list[str]
    of: Callable[[pd.Series], pd.Series]


def _without_suffix(names: pd.Series) -> pd.Series:
    return names.str.replace(SUFFIXES, "", regex=True)


def _without_zeros(names: pd.Series) -> pd.Series:
    return names.str.replace(r"(^|[^0-9])0+([0-9])", r"\1\2", regex=True)


def _without_either(names: pd.Series) -> pd.Series:
    return _without_zeros(_without_suffix(names))


KEYS = (
    _Key([], lambda names: names),
    _Key(["suffix"], _without_suffix),
    _Key(["zeros"], _without_zeros),
    _Key(["suffix", "zeros"], _without_either),
)


def with_real_names(table: pd.DataFrame, photos: pd.Series) -> pd.DataFrame:
    """Return `table` with the photo's own name where `file_name` differs from it by Unicode normal form only.

    `photos`, dtype str, are the names of all photos. A name that matches several photos in this way stays.
    """
    names = table[FILE_NAME]
    missing = names[places_of(names, photos) < 0]
    if missing.empty:
        return table
    forms = photos.str.normalize("NFC")
    unique = counts_of(forms) == 1
    places = places_of(missing.str.normalize("NFC"), forms[unique])
    found = places >= 0
    real = pd.Series(photos[unique].array[places[found]], index=missing.index[found])
    return table.assign(**{FILE_NAME: names.mask(names.index.isin(real.index), real)}) if found.any() else table


def photos_meant(names: pd.Series, photos: pd.Series) -> pd.DataFrame:
    """Return the photo that each name means, if it is not a photo's name and the match is unique.

    `names` are the labels' file names, `photos` the names of all photos, both of dtype str. The result has columns
    `name`, `photo` and `difference` (keys of CURES, joined by commas). A photo that a row names is not returned, and
    no photo is returned twice. Time is linear in the number of names and photos.
    """
    found = [pd.DataFrame(columns=[NAME, MEANT, DIFFERENCE], dtype="str")]
    missing = names[places_of(names, photos) < 0].drop_duplicates()
    if missing.empty:
        return found[0]
    labels = _folded(missing, free=True)
    folder = _folded(photos, free=places_of(photos, names) < 0)
    # Names that match have equal last parts: leave out all others at once.
    labels, folder = _with_last_part_of(folder, labels), _with_last_part_of(labels, folder)
    for key in KEYS:
        for folders, name_keys, photo_keys in _cut(key.of(labels["key"]), key.of(folder["key"])):
            name, photo = _unique_pairs(name_keys, photo_keys)
            both = labels.loc[name, "free"].to_numpy() & folder.loc[photo, "free"].to_numpy()
            name, photo = name[both], photo[both]
            labels.loc[name, "free"] = folder.loc[photo, "free"] = False
            found.append(pd.DataFrame({
                NAME: labels.loc[name, NAME].array,
                MEANT: folder.loc[photo, NAME].array,
                DIFFERENCE: ",".join([*key.ignores, *folders]) or "form",
            }, dtype="str"))  # fmt: skip
    return pd.concat(found, ignore_index=True)


def widespread_mistake(table: pd.DataFrame, meant: pd.DataFrame, photos: pd.Series) -> str:
    """Return one sentence on a mistake that WIDESPREAD or more of the rows share, with its cure; '' if there is none.

    `table` has the column `file_name` and row numbers as index; `meant` is from `photos_meant`, with the same `photos`.
    """
    if meant.empty and len(table) > 1 and (places_of(table[FILE_NAME], photos) < 0).all():
        return (f"none of the {len(table):,} rows names a photo of the folder (row {table.index[0]}: "
                f"'{table[FILE_NAME].iloc[0]}'; "
                f"the first photo: '{photos.iloc[0]}'): correct dataset.images or file_name")
    rows = table[[FILE_NAME]].reset_index(names="row").merge(meant, left_on=FILE_NAME, right_on=NAME)
    counts = rows[DIFFERENCE].value_counts()
    if counts.empty or counts.iloc[0] < max(2, WIDESPREAD * len(table)):
        return ""
    first = rows[rows[DIFFERENCE] == counts.index[0]].iloc[0]
    what, cures = zip(*[CURES[difference] for difference in counts.index[0].split(",")])
    share = "all" if counts.iloc[0] == len(table) else f"{counts.iloc[0]:,} of"
    return (f"{share} {len(table):,} rows name their photo {' and '.join(what)} (row {first['row']}: "
            f"'{first[NAME]}', but there is '{first[MEANT]}'): {', and '.join(cures)}")


def _folded(names: pd.Series, free: object) -> pd.DataFrame:
    """Return a table with the `names`, their `key` without differences of form, and `free`: not yet matched."""
    keys = pd.Series([_fold(name) for name in names], dtype="str")
    return pd.DataFrame({NAME: names.array, "key": keys, "free": free})


def _fold(name: str) -> str:
    if "://" in name:
        name = QUERY.sub("", name)
    name = unquote(name)
    if not (name.isascii() and name.isprintable()):
        name = without_invisible(normalize("NFKC", name))
    parts = (BETWEEN.sub("_", part.strip(AROUND)) for part in name.casefold().replace("\\", "/").split("/"))
    return "/".join(filter(None, parts))


def _with_last_part_of(others: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return those of `names` whose last part, in its loosest form, is that of one of `others`."""
    last, of_others = (KEYS[-1].of(table["key"].str.replace(r"^.*/", "", regex=True)) for table in (names, others))
    return names[places_of(last, of_others) >= 0].copy()


def _cut(names: pd.Series, photos: pd.Series) -> Iterator[tuple[list[str], pd.Series, pd.Series]]:
    """Yield keys of names and photos: whole, then without the first folders of the names, then of the photos."""
    yield [], names, photos
    for fewer in _without_folders(names):
        yield ["in front"], fewer, photos
    for fewer in _without_folders(photos):
        yield ["left out"], names, fewer


def _without_folders(keys: pd.Series) -> Iterator[pd.Series]:
    """Yield the keys without their first folder, without the first two, and so on; keys with fewer are left out."""
    for _ in range(MAX_FOLDERS):
        keys = keys[keys.str.contains("/", regex=False)].str.replace(r"^[^/]*/", "", regex=True)
        if keys.empty:
            return
        yield keys


def _unique_pairs(names: pd.Series, photos: pd.Series) -> tuple[pd.Index, pd.Index]:
    """Return the indices of equal keys that occur once in `names` and once in `photos`."""
    names, photos = (keys[(counts_of(keys) == 1) & (keys != "")] for keys in (names, photos))
    places = places_of(names, photos)
    return names.index[places >= 0], photos.index[places[places >= 0]]
