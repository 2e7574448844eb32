"""What is known of a written C file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CReport:
    """What a C file that `to_c` wrote needs, and how far it may be off.

    Attributes
    ----------
    files : tuple of str
        Those that were written.
    name : str
        What its functions begin with.
    flash : int
        Bytes of its constants: parameters, scaling, tables, names; with pointers of 4 bytes, as on
        small processors. The code comes on top, some 1 to 3 kB.
    ram : int
        Bytes on the stack, for one row, in arrays.
    operations : int
        Multiplications with an addition, for one row.
    activations : int
        Values of σ, for one row.
    bound : float or None
        The most by which an output can differ from that of the model, proven from the weights;
        infinity where numbers may grow too large to say; None for fixed point.
    inputs : str
        For which inputs.
    worst : float or None
        The most by which an output differed from the model's on the data given.
    sums : str
        For fixed point: why no sum can overflow.
    """

    files: tuple[str, ...]
    name: str
    flash: int
    ram: int
    operations: int
    activations: int
    bound: float | None
    inputs: str
    worst: float | None
    sums: str = ""

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The lines of the table."""
        rows = [
            ("constants (flash)", f"{self.flash:,} bytes"),
            ("arrays on the stack (RAM)", f"{self.ram:,} bytes"),
            ("a row", f"{self.operations:,} multiply-adds, {self.activations:,} activations"),
        ]
        if self.bound is not None:
            bound = f"at most {self.bound:.3g}, proven" if self.bound < float("inf") else "no bound"
            rows += [("off from the model", f"{bound} for {self.inputs}")]
        if self.worst is not None:
            rows += [("on the data given", f"at most {self.worst:.3g}, computed")]
        return rows + [("sums", self.sums)] * bool(self.sums)

    def __repr__(self) -> str:
        width = max(len(what) for what, _ in self.rows)
        table = "\n".join(f"  {what:{width}}  {value}" for what, value in self.rows)
        return f"{self.name}: {', '.join(self.files)}\n{table}"
