import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from generators.batching import Batching, Request, StepListener
from generators.errors import DrawingCancelled, DrawingStopped, TooManyWaiting
from generators.progress import MAX_BATCH, Progress

PATIENCE_S = 30  # a thread that has not answered by then never will
STEPS = 3


@dataclass(frozen=True)
class Sketch:
    """``model`` decides what fits together; the numbers are what is drawn."""

    number: int
    model: str = "a"


class Sketcher:
    """Draws a sketch as its number, and waits before each step of a batch while it is held."""

    def __init__(self) -> None:
        self.batches: list[list[Sketch]] = []
        self.began, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.held = False
        self.broken: set[Sketch] = set()
        self.unfinishable: set[Sketch] = set()
        self.finished: list[int] = []
        self.threads: dict[str, set[int]] = {"draw": set(), "finish": set()}

    def batch_key(self, item: Sketch) -> str:
        return item.model

    def draw_batch(self, items: Sequence[Sketch], on_step: StepListener) -> Sequence[np.ndarray]:
        self.threads["draw"].add(threading.get_ident())
        self.batches.append(list(items))
        assert len({item.model for item in items}) == 1
        if self.held:
            self.began.release()
            assert self.go.acquire(timeout=PATIENCE_S)
        if broken := self.broken & set(items):
            raise ArithmeticError(str(sorted(item.number for item in broken)))
        drawn = np.array([[item.number] for item in items])
        for step in range(STEPS):
            on_step(step, STEPS, lambda step=step: drawn * 10 + step)
        return list(drawn)

    def finish(self, pixels: np.ndarray, item: Sketch) -> int:
        self.threads["finish"].add(threading.get_ident())
        if item in self.unfinishable:
            raise ArithmeticError(f"cannot finish {item.number}")
        self.finished.append(int(pixels[0]))
        return int(pixels[0])

    def hold(self) -> None:
        self.held = True

    def wait_for_batch(self) -> None:
        assert self.began.acquire(timeout=PATIENCE_S)

    def let_go(self, batches: int = 1000) -> None:
        self.go.release(batches)


@pytest.fixture
def sketcher() -> Sketcher:
    return Sketcher()


@pytest.fixture
def batching(sketcher: Sketcher) -> Iterator[Batching[Sketch, int]]:
    made = Batching(sketcher, max_waiting=300)
    yield made
    sketcher.let_go()
    made.close()


@pytest.fixture
def busy(batching: Batching[Sketch, int], sketcher: Sketcher) -> Request[Sketch, int]:
    """A request that is being drawn, and held, so that what follows has to wait."""
    sketcher.hold()
    request = batching.submit([Sketch(0)])
    sketcher.wait_for_batch()
    return request


def sketches(numbers: range, model: str = "a") -> list[Sketch]:
    return [Sketch(number, model) for number in numbers]


def ask_until_refused(batching: Batching[Sketch, int]) -> None:
    while True:  # another thread closes it
        batching.submit([Sketch(60)]).cancel()


def test_results_come_in_the_order_asked_for_whatever_the_batches(batching: Batching[Sketch, int]) -> None:
    asked = [Sketch(number, "ab"[number % 2]) for number in range(40)]
    assert batching.draw(asked) == list(range(40))
    assert batching.draw([]) == []


def test_one_request_of_two_models_takes_as_few_batches_as_each_alone(
    batching: Batching[Sketch, int], sketcher: Sketcher
) -> None:
    batching.draw([Sketch(number, "ab"[number % 2]) for number in range(MAX_BATCH)])
    assert [len(batch) for batch in sketcher.batches] == [MAX_BATCH // 2] * 2


def test_requests_that_wait_share_a_batch_where_they_fit(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    first, other, second = (
        batching.submit(sketches(range(begin, begin + 3), model))
        for begin, model in ((1, "a"), (10, "b"), (20, "a"))
    )
    sketcher.let_go()
    assert (first.result(), other.result(), second.result()) == ([1, 2, 3], [10, 11, 12], [20, 21, 22])
    assert [sorted(sketch.number for sketch in batch) for batch in sketcher.batches] == [
        [0],
        [1, 2, 3, 20, 21, 22],
        [10, 11, 12],
    ]


def test_a_lone_request_does_not_wait_for_company(
    batching: Batching[Sketch, int], sketcher: Sketcher
) -> None:
    assert batching.draw([Sketch(1)]) == [1]
    assert [len(batch) for batch in sketcher.batches] == [1]


@pytest.mark.parametrize("model", ["a", "b"])
def test_request_of_one_is_not_stuck_behind_256(
    batching: Batching[Sketch, int], sketcher: Sketcher, model: str
) -> None:
    sketcher.hold()
    large = batching.submit(sketches(range(256)))
    sketcher.wait_for_batch()
    small = batching.submit([Sketch(1000, model)])
    sketcher.let_go()
    assert small.result() == [1000]
    assert large.result() == list(range(256))
    (at,) = [at for at, batch in enumerate(sketcher.batches) if Sketch(1000, model) in batch]
    assert at <= 2  # after the batch that was running, and at most one more
    assert len(sketcher.batches) <= 256 // MAX_BATCH + 1


def test_places_of_a_batch_are_dealt_in_turn(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    requests = [batching.submit(sketches(range(100 * n, 100 * n + 40))) for n in range(1, 5)]
    sketcher.let_go()
    for request in requests:
        request.result()
    shares = [sum(sketch.number // 100 == n for sketch in sketcher.batches[1]) for n in range(1, 5)]
    assert shares == [MAX_BATCH // 4] * 4


def test_many_threads_each_get_their_own_pictures(
    batching: Batching[Sketch, int], sketcher: Sketcher
) -> None:
    wanted = [sketches(range(10 * n, 10 * n + n % 5), "abc"[n % 3]) for n in range(30)]
    with ThreadPoolExecutor(10) as threads:
        made = list(threads.map(batching.draw, wanted))
    assert made == [[sketch.number for sketch in each] for each in wanted]
    assert len(sketcher.threads["draw"]) == 1
    assert not sketcher.threads["draw"] & sketcher.threads["finish"]


def test_listener_hears_of_its_own_pictures_alone_on_its_own_thread(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    heard: list[tuple[tuple[int, ...], int, int, list[int]]] = []
    threads: set[int] = set()

    def listen(progress: Progress) -> None:
        threads.add(threading.get_ident())
        previewed = progress.preview()[:, 0].tolist()
        heard.append((progress.indices, progress.step, progress.steps, previewed))

    other = batching.submit(sketches(range(50, 53)))
    mine = batching.submit(sketches(range(1, 3)), listen)
    sketcher.let_go()
    assert (mine.result(), other.result()) == ([1, 2], [50, 51, 52])
    assert heard == [((0, 1), step + 1, STEPS, [10 + step, 20 + step]) for step in range(STEPS)]
    assert threads == {threading.get_ident()}


def test_slow_listener_does_not_hold_up_others(
    batching: Batching[Sketch, int],
    sketcher: Sketcher,
    busy: Request[Sketch, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = 5
    monkeypatch.setattr("generators.batching.MAX_UNHEARD", kept)
    listening, enough = threading.Event(), threading.Event()
    heard: list[int] = []

    def listen(progress: Progress) -> None:
        heard.append(progress.step)
        listening.set()
        assert enough.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(batching.draw, sketches(range(1, 257)), listen)
        sketcher.let_go()
        assert listening.wait(PATIENCE_S)
        assert batching.draw([Sketch(500)]) == [500]
        for _ in range(256 // MAX_BATCH + 1):  # each waits for one batch of the slow one's
            batching.draw([Sketch(501, "b")])
        enough.set()
        assert slow.result() == list(range(1, 257))
    assert 1 <= len(heard) <= 1 + kept  # of three for each of its sixteen batches
    assert heard[-1] == STEPS


def test_what_a_listener_raises_ends_its_own_request_alone(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    def stop(progress: Progress) -> None:
        raise InterruptedError

    mine, other = batching.submit(sketches(range(1, 3)), stop), batching.submit(sketches(range(5, 7)))
    sketcher.let_go()
    with pytest.raises(InterruptedError):
        mine.result()
    assert other.result() == [5, 6]


def test_cancelled_request_is_not_drawn_and_others_are(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    cancelled, other = (batching.submit(sketches(range(at, at + 40))) for at in (100, 200))
    cancelled.cancel()
    sketcher.let_go()
    assert other.result() == list(range(200, 240))
    with pytest.raises(DrawingCancelled, match=r"^The drawing was cancelled; ask for it again\.$"):
        cancelled.result()
    assert not [sketch for batch in sketcher.batches for sketch in batch if 100 <= sketch.number < 200]


def test_batch_that_nobody_waits_for_any_more_stops_at_its_next_step(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    busy.cancel()
    sketcher.let_go()
    assert batching.draw([Sketch(7)]) == [7]
    with pytest.raises(DrawingCancelled):
        busy.result()
    assert sketcher.finished == [7]


def test_cancelling_what_has_ended_changes_nothing(batching: Batching[Sketch, int]) -> None:
    request = batching.submit([Sketch(3)])
    assert request.result() == [3]
    request.cancel()
    assert request.result() == [3]


@pytest.mark.parametrize("fault", ["broken", "unfinishable"])
def test_picture_that_fails_fails_its_own_request_alone(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int], fault: str
) -> None:
    getattr(sketcher, fault).add(Sketch(2))
    hit, other = batching.submit(sketches(range(1, 3))), batching.submit(sketches(range(5, 8)))
    sketcher.let_go()
    assert other.result() == [5, 6, 7]
    with pytest.raises(ArithmeticError, match="2"):
        hit.result()
    assert batching.draw([Sketch(9)]) == [9]


def test_full_queue_refuses_in_a_sentence_and_recovers(
    batching: Batching[Sketch, int], sketcher: Sketcher, busy: Request[Sketch, int]
) -> None:
    waiting = batching.submit(sketches(range(299)))
    with pytest.raises(TooManyWaiting, match=r"^299 pictures are waiting to be drawn and 300 may; try again"):
        batching.submit(sketches(range(2)))
    sketcher.let_go()
    assert waiting.result() == list(range(299))
    assert batching.draw(sketches(range(300))) == list(range(300))


def test_closing_mid_way_fails_what_is_not_drawn_and_ends_the_threads(sketcher: Sketcher) -> None:
    before = set(threading.enumerate())
    batching: Batching[Sketch, int] = Batching(sketcher)
    done = batching.submit([Sketch(1)])
    assert done.result() == [1]
    sketcher.hold()
    running = batching.submit(sketches(range(40)))
    sketcher.wait_for_batch()
    waiting = batching.submit([Sketch(50, "b")])
    closing = threading.Thread(target=batching.close)
    closing.start()
    with pytest.raises(DrawingStopped, match=r"^Drawing has stopped; start Lorespark again"):
        ask_until_refused(batching)
    sketcher.let_go()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    for request in (running, waiting):
        with pytest.raises(
            DrawingStopped, match=r"^Drawing stopped before the pictures were done; ask again\.$"
        ):
            request.result()
    assert len(sketcher.batches) == 2
    assert set(threading.enumerate()) <= before
    batching.close()  # twice is once


def test_interrupt_while_waiting_cancels(
    batching: Batching[Sketch, int], sketcher: Sketcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sketcher.hold()
    request = batching.submit([Sketch(1)])

    def interrupted(predicate: Callable[[], bool]) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(request._changed, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        request.result()
    monkeypatch.undo()
    with pytest.raises(DrawingCancelled):
        request.result()
