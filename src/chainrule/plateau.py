"""What `ReduceOnPlateau` needs of training: a figure to wait for, shown to it after each epoch."""


def check_monitor(schedule, measures):
    """Raise if the schedule waits for a figure that will not come."""
    if schedule.state and schedule.monitor not in ("cost", *measures):
        needed = "validation_data or validation_split"
        if measures:
            needed += " whose targets are classes"
        raise ValueError(f"ReduceOnPlateau(monitor={schedule.monitor!r}) needs {needed}")


class Plateau:
    """Shows each finished epoch's figure to the schedule once, wherever training is interrupted."""

    def __init__(self, schedule, state, history):
        self.schedule, self.state, self.history = schedule, state[schedule.state], history
        self.seen = 0  # epochs

    def look(self):
        """Bring the state up to the last epoch, unless its figure is missing."""
        if len(self.history) == self.seen:
            return
        figure = self.history.latest(self.schedule.monitor)
        if figure is not None:  # one statement, so that no signal comes between the two
            self.state[:], self.seen = self.schedule.after(self.state, figure), len(self.history)
