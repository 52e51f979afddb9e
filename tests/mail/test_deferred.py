"""Values that are made when somebody looks at them."""

from chatbot.mail.deferred import Deferred


def test_a_value_is_made_when_somebody_looks_and_once() -> None:
    made: list[int] = []

    def make(place: int) -> str:
        made.append(place)
        return "abcde"[place]

    values = Deferred(5, make)
    assert (len(values), bool(values), made) == (5, True, [])
    assert (values[1], values[-1], values[1:3]) == ("b", "e", ("b", "c"))
    assert made == [1, 4, 2]
    assert list(values) == list("abcde")
    assert sorted(made) == [0, 1, 2, 3, 4]
    assert values == Deferred(5, "abcde".__getitem__) == tuple("abcde") != tuple("abcd")
    assert not Deferred(0, make)
