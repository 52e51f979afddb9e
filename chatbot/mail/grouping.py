"""Grouping: which mails are one series.

Mails belong together when the same person sent them under the same version and total, and a thread connects them;
where nothing was threaded, when they came within an hour. A few patches of a later version that answer those which they
replace are no series: they are rerolls of the one that they answer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chatbot.mail.series import M, Member, Posting, Series, answers_without_re, by_posting, posting
from chatbot.mail.subject import Kind

# Whoever sends without threads sends at one go; a server that is ill may take a while to hand it all on.
_UNTHREADED = timedelta(hours=1)
# Who sends a cover once more does so while the patches are being looked at.
_SENT_AGAIN = timedelta(days=7)


def group(members: Iterable[M]) -> tuple[Series[M], ...]:
    """The series in these mails, in the order in which the first of each came; mails without a patch fall out, but for
    the letters that open a series.

    A Message-ID that comes twice counts once. Where a part comes twice in one posting, the posting was sent
    again: each is a series of its own.
    """
    known = {one.message_id: one for one in members}
    return tuple(_with_letters(_rerolled(_posted(known), known), known))


def postings(members: Iterable[M]) -> tuple[Series[M], ...]:
    """The same as they were posted: without letters, and what only replaces parts of another is a series, too."""
    return tuple(_posted({one.message_id: one for one in members}))


def pull_requests(members: Iterable[M]) -> tuple[Series[M], ...]:
    """The pull requests among these mails, each a kind of series of its own."""
    found = {one.message_id: one for one in members if one.subject.pull and not one.is_patch}
    return tuple(Series((one,)) for one in found.values())


def _posted(known: Mapping[str, M]) -> list[Series[M]]:
    order = {message_id: place for place, message_id in enumerate(known)}
    threads = (thread for sent in _sent(known, order) for thread in _threads(sent))
    found = _stitched(_under_covers([one for thread in threads for one in _split(thread)]))
    found.sort(key=lambda parts: min(order[part.message_id] for part in parts))
    return [Series(tuple(sorted(parts, key=lambda part: part.subject.part or 0))) for parts in found]


def _sent(known: Mapping[str, M], order: Mapping[str, int]) -> Iterable[list[M]]:
    """The patches that may be one posting as far as their subjects tell, as they came; one that lacks the version is
    with those that have it.
    """
    sent = by_posting(one for one in known.values() if one.is_patch and not answers_without_re(one, known))
    later: dict[Posting, list[Posting]] = {}
    for shared in sent:
        forgotten = (shared[0], 1, 0, *shared[3:])
        if shared[3] and shared != forgotten and forgotten in sent:
            later.setdefault(forgotten, []).append(shared)
    for forgotten, versions in later.items():
        homes = _homes(sent[forgotten], {shared: sent[shared] for shared in versions}, known)
        for one in sent.pop(forgotten) if homes else ():
            sent.setdefault(homes.get(_above(one), forgotten), []).append(one)
        for shared in homes.values():
            sent[shared].sort(key=lambda one: order[one.message_id])
    return sent.values()


def _homes(plain: Iterable[M], later: Mapping[Posting, Iterable[M]], known: Mapping[str, M]) -> dict[str, Posting]:
    """What a patch without a version belongs to, by the mail that it answers: a cover or first patch of a later
    version, or one that is not here, but was answered by more patches of a later version than without any.
    """
    found: dict[str, Posting] = {}
    answered = Counter(map(_above, plain))
    answering = Counter(above for members in later.values() for one in members if (above := _above(one)) in answered)
    for shared, members in later.items():
        for one in members:
            above = _above(one)
            if above and answering[above] > answered[above]:
                head = known.get(above)
                if head is None or not head.is_patch or posting(head)[:3] == shared[:3]:
                    found[above] = shared
            if one.subject.part in (0, 1) and one.message_id in answered:
                found[one.message_id] = shared
    return found


def _above(one: Member) -> str:
    """What a numbered patch answers; a cover answers the version before, if anything."""
    return one.parents[0] if one.subject.part and one.parents else ""


def _threads(sent: list[M]) -> Iterable[list[M]]:
    """Those of one posting that share an ancestor or descend from one another (a union-find over Message-IDs)."""
    if len(sent) == 1 or len({_above(one) or one.message_id for one in sent}) == 1:
        return [sent]  # as most are sent: all below one mail, which is the first of them, or not here
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while (up := parent.setdefault(node, node)) != node:
            parent[node] = parent[up]
            node = up
        return node

    for one in sent:
        if one.subject.part:
            # The nearest and the farthest: enough for patches below a cover, below one another, and below a cover
            # that the archive has not got.
            parents = one.parents
            for ancestor in parents[:1] + parents[1:][-1:]:
                parent[root(one.message_id)] = root(ancestor)
    threads: dict[str, list[M]] = {}
    for one in sent:
        threads.setdefault(root(one.message_id), []).append(one)
    return threads.values()


def _split(thread: list[M]) -> Iterator[list[M]]:
    """The patches of a thread as they came, a new posting beginning wherever a part is there already.

    Mails that answer one another stay together, for two postings may come in each other's midst.
    """
    if len(thread) == 1 or len(_numbers(thread)) == len(thread):
        yield thread
        return
    current: list[M] = []
    for branch in _branches(thread):
        if _numbers(branch) & _numbers(current) and not _misnumbered(branch, current):
            yield current
            current = []
        current = current + branch
    yield current


def _misnumbered(branch: Sequence[Member], current: Sequence[Member]) -> bool:
    """Whether these only have the numbers of other patches: they were sent with them, and are no new beginning."""
    titles = {one.subject.title for one in current}
    return (
        all(_number(one) > 1 and one.subject.title not in titles for one in branch)
        and _began(branch) - _began(current) <= _UNTHREADED
    )


def _branches(thread: Sequence[M]) -> Iterator[list[M]]:
    """The patches, each with those below it; where a part comes twice in a branch, one by one."""
    known = {one.message_id for one in thread}
    tops: dict[str, str] = {}
    branches: dict[str, list[M]] = {}
    for one in sorted(thread, key=lambda one: (_number(one), len(one.parents))):
        above = next((up for up in one.parents if up in known), "") if one.subject.part else ""
        tops[one.message_id] = tops.get(above, one.message_id)
    for one in thread:
        branches.setdefault(tops[one.message_id], []).append(one)
    for branch in branches.values():
        if len(_numbers(branch)) == len(branch):
            yield branch
        else:
            yield from ([one] for one in branch)


def _under_covers(found: list[list[M]]) -> list[list[M]]:
    """The same, covers put before their patches where these announce another total, or answer another mail: some
    servers give the cover a new Message-ID.
    """
    alone = {parts[0].message_id: parts for parts in found if len(parts) == 1 and parts[0].subject.part == 0}
    joined: dict[str, list[M]] = {}
    for parts in found if alone else ():
        first = min(parts, key=_number) if parts[0].subject.part else parts[0]
        above = _above(first)
        if above and above not in alone:
            near = [
                one for one, cover in alone.items() if posting(cover[0]) == posting(first) and _at_one_go(cover, parts)
            ]
            above = near[0] if len(near) == 1 else above
        if above in alone and above not in joined and posting(alone[above][0])[:3] == posting(first)[:3]:
            joined[above] = parts
    if not joined:
        return found
    whole = [cover + joined.get(message_id, []) for message_id, cover in alone.items()]
    done = {*alone, *(parts[0].message_id for parts in joined.values())}
    return whole + [parts for parts in found if parts[0].message_id not in done]


def _at_one_go(one: Iterable[Member], other: Iterable[Member]) -> bool:
    return abs(_began(one) - _began(other)) <= _UNTHREADED


def _stitched(found: list[list[M]]) -> list[list[M]]:
    """The same, those put together that were sent in one go without threads."""
    loose: dict[tuple[Posting, tuple[str, ...]], list[list[M]]] = {}
    whole: list[list[M]] = []
    for parts in found:
        if _loose(parts):
            words = tuple(word.upper() for word in parts[0].subject.prefixes)
            loose.setdefault((posting(parts[0]), words), []).append(parts)
        else:
            whole.append(parts)
    for pieces in loose.values():
        pieces.sort(key=_began)
        current = pieces[0]
        for piece in pieces[1:]:
            if _began(piece) - _began(current) <= _UNTHREADED and not _numbers(piece) & _numbers(current):
                current = current + piece
            else:
                whole.append(current)
                current = piece
        whole.append(current)
    return whole


def _loose(parts: Sequence[Member]) -> bool:
    """Whether it is a piece of a series, and no more of it can be found by threads."""
    total = parts[0].subject.total or 0
    numbers = _numbers(parts) - {0} if total else set()
    if len(numbers) >= total or max(numbers, default=0) > total:
        return False
    own = {one.message_id for one in parts}
    return all(own.intersection(one.parents) for one in parts if one.subject.part and one.parents)


def _rerolled(series: list[Series[M]], known: Mapping[str, M]) -> list[Series[M]]:
    """The same, partial rerolls put where they belong."""
    partial = [
        number
        for number, one in enumerate(series)
        if one.subject.part and any(up in known for up in one.head.parents) and not one.complete
    ]
    if not partial:
        return series
    home = {part.message_id: number for number, one in enumerate(series) for part in one.parts}
    rerolls: dict[int, tuple[M, ...]] = {}
    for number in sorted(partial, key=lambda number: _revision(series[number].head)):
        one = series[number]
        bases = {_replaced(part, home, series, known) for part in one.parts}
        base = bases.pop()
        if base is not None and not bases:
            rerolls[base] = rerolls.get(base, ()) + one.parts
            home.update((part.message_id, base) for part in one.parts)
    return [
        replace(one, rerolls=rerolls[number]) if number in rerolls else one
        for number, one in enumerate(series)
        if home[one.head.message_id] == number
    ]


def _replaced(one: M, home: Mapping[str, int], series: Sequence[Series[M]], known: Mapping[str, M]) -> int | None:
    """Which series has the part that this mail, sent in answer to it, replaces."""
    for above in one.parents:
        if above not in home or not _newer(one, old := known[above]) or old.subject.total != one.subject.total:
            continue
        # People answer the part that they replace, or anything in its thread under the same title.
        titled = (one.subject.part, one.subject.title)
        if old.subject.part == one.subject.part or (
            above == one.parents[0]
            and any((part.subject.part, part.subject.title) == titled for part in series[home[above]].parts)
        ):
            return home[above]
    return None


def _newer(one: Member, old: Member) -> bool:
    """Whether it is another version of the same person's, or the same once more; maintainers send others' patches."""
    if one.sender.address.lower() != old.sender.address.lower() and one.author.address != old.author.address:
        return False
    return _revision(one) > _revision(old) or (_revision(one) == _revision(old) and posting(one)[-1])


def _with_letters(series: Sequence[Series[M]], known: Mapping[str, M]) -> Iterator[Series[M]]:
    """The same, each with the letter that opened it; a letter is no series. One that opens several speaks for none."""
    bare = [one for one in series if one.subject.part == 0 and not one.patches]
    letters = [_letter(one, known) or _sent_again(one, bare) for one in series]
    opened = Counter(letter.message_id for letter in letters if letter)
    for one, letter in zip(series, letters, strict=True):
        if opened[one.head.message_id] != 1:
            yield replace(one, letter=letter) if letter and opened[letter.message_id] == 1 else one


def _letter(series: Series[M], known: Mapping[str, M]) -> M | None:
    """The mail that opened the thread of numbered patches without a cover, if their sender wrote it."""
    if not series.head.subject.part or series.total == 1:
        return None
    for one in series.parts:
        for above in one.parents[-1:]:
            letter = known.get(above)
            if letter and _opens(letter):
                return letter if letter.sender.address.lower() == one.sender.address.lower() else None
    return None


def _sent_again(series: Series[M], bare: Iterable[Series[M]]) -> M | None:
    """The cover of this series as it was sent once more, without patches."""
    if not series.patches:
        return None
    named = (series.head.sender.address.lower(), series.version, series.title)
    same = (one for one in bare if (one.head.sender.address.lower(), one.version, one.title) == named)
    return next((one.head for one in same if abs(one.received - series.received) <= _SENT_AGAIN), None)


def _opens(one: Member) -> bool:
    """Whether it can be a cover letter whose subject does not say so."""
    if one.parents or one.subject.reply or one.subject.numbered or one.subject.kind is Kind.PULL:
        return False
    return not one.diff.text


def _revision(one: Member) -> tuple[int, int]:
    return one.subject.version, one.subject.reroll


def _number(one: Member) -> int:
    return one.subject.part if one.subject.part is not None else 1


def _numbers(members: Iterable[Member]) -> set[int]:
    return {1 if (number := one.subject.part) is None else number for one in members}


def _began(members: Iterable[Member]) -> datetime:
    return min(one.received for one in members)
