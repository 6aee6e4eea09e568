"""Turn a language's tag into the code that files name it by."""

from __future__ import annotations

import re

# ISO 639-1 codes, each with its code of ISO 639-2/T.
_CODES = (
    "aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bibis bmbam bnben "
    "bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell "
    "eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv "
    "hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita "
    "iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir "
    "lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt "
    "mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan "
    "pipli plpol pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag shhbs sisin skslk "
    "slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl "
    "tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid "
    "yoyor zazha zhzho zuzul "
)
_THREE = {pair[:2]: pair[2:] for pair in _CODES.split()}
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*\Z")


_ENGLISH = frozenset((
    "the", "of", "and", "to", "a", "in", "is", "it", "that", "this", "for", "with", "are", "was", "you", "we", "on",
    "by",
))  # fmt: skip
_LEAST_SHARE = 0.15


def looks_english(text: str) -> bool:
    """Check whether many of the words are frequent ones of English."""
    words = re.findall(r"\w+", text.casefold())
    return bool(words) and sum(word in _ENGLISH for word in words) >= _LEAST_SHARE * len(words)


def find_language_code(tag: str) -> str | None:
    """Return the three-letter code of a language tag such as "de", "pt-BR" or "deu"; None if it is none."""
    match = _TAG.match(tag.strip())
    if match is None:
        return None
    code = match[1].lower()
    return code if len(code) == 3 else _THREE.get(code)
