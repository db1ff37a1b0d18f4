"""How large a run is: the short form for every change, the default one for `make bench`, and the large one."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Step:
    """An installation of so many referrals, and the practice in it whose pages are asked."""

    referrals: int
    practice: int


@dataclass(frozen=True)
class Ticked:
    """A day's tick over these practices, and before over a few of them."""

    practices: int
    few: int
    referrals: int
    days: int


@dataclass(frozen=True)
class Form:
    """Every size of one run. The first step is one practice alone; it stays as it is while others grow beside it."""

    name: str
    steps: tuple[Step, ...]
    other: int  # referrals of each practice that is only there
    asks_at_each_step: bool  # otherwise at the last one
    rounds: int
    providers: tuple[int, ...]  # in the practice that is searched
    imported: int
    import_rounds: int
    exported: int
    ticked: tuple[Ticked, ...]
    listed: tuple[int, int]  # practices, and referrals of all of them
    list_rounds: int
    throughput_seconds: float
    load_seconds: float

    def cut_to(self, referrals: int) -> "Form":
        """The same with a last installation of so many referrals, and as much less of lists: a first look."""
        last = self.steps[-1]
        earlier = [step for step in self.steps[:-1] if step.referrals < referrals]
        room = referrals - (earlier[-1].referrals if earlier else 0)
        practices, listed = (number * referrals // last.referrals for number in self.listed)
        steps = (*earlier, Step(referrals, min(last.practice, room)))
        return replace(self, steps=steps, listed=(practices, listed))


FORMS = {
    "short": Form(
        name="short",
        steps=(Step(1_000, 1_000), Step(4_000, 2_000)),
        other=1_000,
        asks_at_each_step=False,
        rounds=9,
        providers=(2_000,),
        imported=3_000,
        import_rounds=2,
        exported=5_000,
        ticked=(Ticked(practices=4, few=1, referrals=800, days=1),),
        listed=(10, 3_000),
        list_rounds=3,
        throughput_seconds=1,
        load_seconds=3,
    ),
    "default": Form(
        name="default",
        steps=(Step(10_000, 10_000), Step(100_000, 30_000), Step(1_000_000, 250_000)),
        other=10_000,
        asks_at_each_step=True,
        rounds=40,
        providers=(10_000, 100_000),
        imported=100_000,
        import_rounds=3,
        exported=100_000,
        ticked=(
            Ticked(practices=100, few=1, referrals=300_000, days=1),
            Ticked(practices=1_000, few=10, referrals=1_000_000, days=1),
        ),
        listed=(1_000, 3_000_000),
        list_rounds=3,
        throughput_seconds=5,
        load_seconds=60,
    ),
    "large": Form(
        name="large",
        steps=(Step(10_000, 10_000), Step(1_000_000, 250_000), Step(10_000_000, 250_000)),
        other=50_000,
        asks_at_each_step=True,
        rounds=60,
        providers=(10_000, 100_000),
        imported=100_000,
        import_rounds=5,
        exported=100_000,
        ticked=(Ticked(practices=1_000, few=10, referrals=3_000_000, days=3),),
        listed=(1_000, 3_000_000),
        list_rounds=5,
        throughput_seconds=20,
        load_seconds=3600,
    ),
}
