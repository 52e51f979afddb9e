"""What a team knows of the people on its lists: who is who, for whom they work, and who is none."""

from dataclasses import dataclass, field
from datetime import datetime

from chatbot.mail.bots import Bots
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.organisations import Basis, Organisation, Organisations
from chatbot.mail.person import Person
from chatbot.mail.relay import is_relay, see_through

# What says more of somebody's work comes first.
_TELLING = {Basis.RULE: 0, Basis.DOMAIN: 1, Basis.PROVIDER: 2}


@dataclass(frozen=True, slots=True)
class People:
    """Without files, everybody is who they say they are, is of their domain, and is human. `rules` stands for what the
    files say: it is another where they say anything else.
    """

    mailmap: Mailmap = field(default_factory=Mailmap)
    organisations: Organisations = field(default_factory=Organisations)
    bots: Bots = field(default_factory=Bots)
    rules: str = ""

    def same_human(self, one: Person, other: Person) -> bool:
        """Whether these two are one."""
        return self.identity(one) == self.identity(other)

    def identity(self, person: Person) -> str:
        """What all spellings of a human have in common."""
        return self.human(person).identity

    def human(self, person: Person) -> Person:
        """Who that is, by the canonical name."""
        return self.mailmap.of(self.behind(person))

    def behind(self, person: Person) -> Person:
        """For whom a relay speaks, as far as it says so itself; whoever is no relay speaks for themselves."""
        return see_through(person, ()).person if is_relay(person) else person

    def is_bot(self, mail: Mail) -> bool:
        """Whether a program has sent it."""
        return self.bots.of(mail) is not None

    def organisation(self, person: Person, when: datetime) -> Organisation:
        """For whom they wrote: what the address in the mail says, else what their canonical one does."""
        addresses = (person.address, self.mailmap.of(person).address)
        return min((self.organisations.of(one, when) for one in addresses), key=lambda found: _TELLING[found.basis])
