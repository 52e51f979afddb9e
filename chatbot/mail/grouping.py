"""Grouping: which mails are one series.

Mails belong together when the same person sent them under the same version and total, and a thread connects them;
where nothing was threaded, when they came within an hour. A few patches of a later version that answer those which they
replace are no series: they are rerolls of the one that they answer.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chatbot.mail.mail import Mail
from chatbot.mail.series import Posting, Series, answers_without_re, posting
from chatbot.mail.subject import Kind

# Whoever sends without threads sends at one go; a server that is ill may take a while to hand it all on.
_UNTHREADED = timedelta(hours=1)


def group(mails: Iterable[Mail]) -> tuple[Series, ...]:
    """The series in these mails, in the order in which the first mail of each came; mails without a patch fall out, but
    for the letters that open a series.

    A Message-ID that comes twice counts once. Where a part comes twice in one posting, the posting was sent
    again: each is a series of its own.
    """
    known = {mail.message_id: mail for mail in mails}
    patches = {one: mail for one, mail in known.items() if mail.patch and not answers_without_re(mail, known)}
    order = {message_id: place for place, message_id in enumerate(patches)}
    found: list[tuple[Mail, ...]] = []
    for members in _threads(patches):
        found.extend(_postings(members))
    found = list(_stitched(_under_covers(found)))
    found.sort(key=lambda members: min(order[mail.message_id] for mail in members))
    series = [Series(tuple(sorted(members, key=lambda mail: mail.subject.part or 0))) for members in found]
    return tuple(_with_letters(tuple(_rerolled(series)), known))


def pull_requests(mails: Iterable[Mail]) -> tuple[Series, ...]:
    """The pull requests among these mails, each a kind of series of its own."""
    found = {mail.message_id: mail for mail in mails if mail.subject.kind is Kind.PULL}
    return tuple(Series((mail,)) for mail in found.values() if mail.patch is None and not mail.subject.reply)


def _with_letters(series: Sequence[Series], known: Mapping[str, Mail]) -> Iterator[Series]:
    """The same, each with the letter that opened it; a letter is no series. One that opens several speaks for none."""
    letters = [_letter(one, known) for one in series]
    opened = Counter(letter.message_id for letter in letters if letter)
    for one, letter in zip(series, letters, strict=True):
        if opened[one.head.message_id] != 1:
            yield replace(one, letter=letter) if letter and opened[letter.message_id] == 1 else one


def _letter(series: Series, known: Mapping[str, Mail]) -> Mail | None:
    """The mail that opened the thread of numbered patches without a cover, if their sender wrote it."""
    if series.head.subject.part == 0 or series.total == 1:
        return None
    for mail in series.mails:
        for above in mail.parents[-1:]:
            letter = known.get(above)
            if letter and _opens(letter):
                return letter if letter.sender.address.lower() == mail.sender.address.lower() else None
    return None


def _opens(mail: Mail) -> bool:
    """Whether it can be a cover letter whose subject does not say so."""
    if mail.parents or mail.subject.reply or mail.subject.numbered or mail.subject.kind is Kind.PULL:
        return False
    return mail.patch is None or not mail.patch.changes


def _unversioned(patches: Mapping[str, Mail]) -> dict[tuple[str, Posting], Posting]:
    """What a patch without a version belongs to, by the mail that it answers: a cover or first patch of a later
    version, or one that is not here, but was answered by more patches of a later version than without any.
    """
    found: dict[tuple[str, Posting], Posting] = {}
    answering: Counter[tuple[str, Posting]] = Counter()
    for mail in patches.values():
        if not mail.subject.numbered:
            continue
        own = posting(mail)
        forgotten = (own[0], 1, 0, *own[3:])
        if mail.subject.part and mail.parents:
            above = mail.parents[0], forgotten
            answering[above] += 1 if own != forgotten else -1
            head = patches.get(mail.parents[0])
            if own != forgotten and (head is None or posting(head)[:3] == own[:3]):
                found[above] = own
        if mail.subject.part in (0, 1) and own != forgotten:
            found[mail.message_id, forgotten] = own
            answering[mail.message_id, forgotten] += len(patches)
    return {above: own for above, own in found.items() if answering[above] > 0}


def _threads(patches: Mapping[str, Mail]) -> Iterator[list[Mail]]:
    """Mails of one posting that share an ancestor or descend from one another (a union-find over Message-IDs)."""
    parent: dict[tuple[Posting, str], tuple[Posting, str]] = {}

    def root(node: tuple[Posting, str]) -> tuple[Posting, str]:
        while (up := parent.setdefault(node, node)) != node:
            parent[node] = parent[up]
            node = up
        return node

    own: list[tuple[Mail, tuple[Posting, str]]] = []
    unversioned = _unversioned(patches)
    for mail in patches.values():
        key = posting(mail)
        if key[1] == 1 and mail.subject.part and mail.parents:
            key = unversioned.get((mail.parents[0], key), key)
        node = (key, mail.message_id)
        own.append((mail, node))
        if mail.subject.part:  # a cover's ancestors are the version before, if anything
            # The nearest and the farthest: enough for patches below a cover, below one another, and below a cover
            # that the archive has not got.
            for ancestor in {*mail.parents[:1], *mail.parents[-1:]}:
                parent[root((key, ancestor))] = root(node)
    threads: dict[tuple[Posting, str], list[Mail]] = {}
    for mail, node in own:
        threads.setdefault(root(node), []).append(mail)
    yield from threads.values()


def _postings(members: list[Mail]) -> Iterator[tuple[Mail, ...]]:
    """The members as they came, a new posting beginning wherever a part is there already.

    Mails that answer one another stay together, for two postings may come in each other's midst.
    """
    parts = {_part(mail) for mail in members}
    if len(parts) == len(members):
        yield tuple(members)
        return
    current: list[Mail] = []
    for branch in _branches(members):
        if {_part(mail) for mail in branch} & {_part(mail) for mail in current} and not _misnumbered(branch, current):
            yield tuple(current)
            current = []
        current += branch
    yield tuple(current)


def _misnumbered(branch: list[Mail], current: list[Mail]) -> bool:
    """Whether these only have the numbers of other patches: they were sent with them, and are no new beginning."""
    titles = {mail.subject.title for mail in current}
    return (
        all(_part(mail) > 1 and mail.subject.title not in titles for mail in branch)
        and _began(branch) - _began(current) <= _UNTHREADED
    )


def _branches(members: list[Mail]) -> Iterator[list[Mail]]:
    """The members, each with those below it; where a part comes twice in a branch, mail by mail."""
    known = {mail.message_id: mail for mail in members}
    tops: dict[str, str] = {}
    branches: dict[str, list[Mail]] = {}
    for mail in sorted(members, key=lambda mail: (_part(mail), len(mail.parents))):
        above = next((one for one in mail.parents if one in known), "") if mail.subject.part else ""
        tops[mail.message_id] = tops.get(above, mail.message_id)
    for mail in members:
        branches.setdefault(tops[mail.message_id], []).append(mail)
    for branch in branches.values():
        if len({_part(mail) for mail in branch}) == len(branch):
            yield branch
        else:
            yield from ([mail] for mail in branch)


def _under_covers(found: Collection[tuple[Mail, ...]]) -> Iterator[tuple[Mail, ...]]:
    """The same, covers that announce another total than their patches put before these."""
    alone = {members[0].message_id: members[0] for members in found if [mail.subject.part for mail in members] == [0]}
    joined: set[str] = set()
    for members in found:
        first = min(members, key=_part)
        cover = alone.get(first.parents[0]) if first.parents and first.subject.part else None
        if cover and cover.message_id not in joined and posting(cover)[:3] == posting(first)[:3]:
            joined.add(cover.message_id)
            yield (cover, *members)
        elif first.message_id not in alone:
            yield members
    for message_id, cover in alone.items():
        if message_id not in joined:
            yield (cover,)


def _stitched(found: Iterable[tuple[Mail, ...]]) -> Iterator[tuple[Mail, ...]]:
    """The same, those put together that were sent in one go without threads."""
    loose: dict[tuple[Posting, tuple[str, ...]], list[tuple[Mail, ...]]] = {}
    for members in found:
        if _loose(members):
            words = tuple(word.upper() for word in members[0].subject.prefixes)
            loose.setdefault((posting(members[0]), words), []).append(members)
        else:
            yield members
    for pieces in loose.values():
        pieces.sort(key=_began)
        current: tuple[Mail, ...] = ()
        for piece in pieces:
            near = current and _began(piece) - _began(current) <= _UNTHREADED
            if near and not {_part(mail) for mail in piece} & {_part(mail) for mail in current}:
                current += piece
            else:
                if current:
                    yield current
                current = piece
        yield current


def _loose(members: tuple[Mail, ...]) -> bool:
    """Whether it is a piece of a series, and no more of it can be found by threads."""
    total = members[0].subject.total or 1
    own = {mail.message_id for mail in members}
    threaded = (mail for mail in members if mail.subject.part and mail.parents)
    return {*range(1, total + 1)} > {_part(mail) for mail in members} - {0} and all(
        own.intersection(mail.parents) for mail in threaded
    )


def _rerolled(series: list[Series]) -> Iterator[Series]:
    """The same, partial rerolls put where they belong."""
    mails = {mail.message_id: mail for one in series for mail in one.mails}
    home = {mail.message_id: number for number, one in enumerate(series) for mail in one.mails}
    rerolls: dict[int, tuple[Mail, ...]] = {}
    moved: set[int] = set()
    for number, one in sorted(enumerate(series), key=lambda numbered: _revision(numbered[1].head)):
        if one.cover or one.complete:
            continue
        bases = {_replaced(mail, home, series, mails) for mail in one.mails}
        base = bases.pop()
        if base is not None and not bases:
            moved.add(number)
            rerolls[base] = rerolls.get(base, ()) + one.mails
            home.update((mail.message_id, base) for mail in one.mails)
    for number, one in enumerate(series):
        if number not in moved:
            yield replace(one, rerolls=rerolls[number]) if number in rerolls else one


def _replaced(mail: Mail, home: Mapping[str, int], series: Sequence[Series], mails: Mapping[str, Mail]) -> int | None:
    """Which series has the part that this mail, sent in answer to it, replaces."""
    for above in mail.parents:
        old = mails.get(above)
        if old is None or old.subject.total != mail.subject.total or not _newer(mail, old):
            continue
        base = series[home[above]]
        # People answer the part that they replace, or anything in its thread under the same title.
        titled = (mail.subject.part, mail.subject.title)
        if old.subject.part == mail.subject.part or (
            above == mail.parents[0] and any((one.subject.part, one.subject.title) == titled for one in base.mails)
        ):
            return home[above]
    return None


def _newer(mail: Mail, old: Mail) -> bool:
    """Whether it is another version of the same person's, or the same once more; maintainers send others' patches."""
    if mail.sender.address.lower() != old.sender.address.lower() and mail.author.address != old.author.address:
        return False
    return _revision(mail) > _revision(old) or (_revision(mail) == _revision(old) and posting(mail)[-1])


def _revision(mail: Mail) -> tuple[int, int]:
    return mail.subject.version, mail.subject.reroll


def _part(mail: Mail) -> int:
    return mail.subject.part if mail.subject.part is not None else 1


def _began(members: Iterable[Mail]) -> datetime:
    return min(mail.received for mail in members)
