from chatbot.chat.sealed import Seal

COMMANDS = ("", "/help", "/series tdx-connect page 2", "/series ünïcode 😀", "x" * 1_000)


def test_what_was_sealed_is_opened_by_the_same_secret_alone() -> None:
    for text in COMMANDS:
        assert Seal("a token").open(Seal("a token").close(text)) == text
        assert Seal("another").open(Seal("a token").close(text)) is None


def test_what_was_changed_is_not_opened() -> None:
    sealed = Seal("a token").close("/series tdx-connect")
    for changed in (
        sealed[:-1],
        sealed + "A",
        "B" + sealed[1:],
        sealed[:30] + "x" + sealed[31:],
        "",
        "~",
        "ü",
        "A" * 22,
    ):
        assert Seal("a token").open(changed) is None, changed


def test_nothing_of_the_text_is_seen_and_a_button_has_room_for_it() -> None:
    sealed = Seal("a token").close("/series tdx-connect")
    assert "tdx" not in sealed
    assert sealed != Seal("a token").close("/series tdx-connecu")
    assert len(Seal("a token").close("x" * 1_000)) < 2_000
