"""The memory of processes while they run, looked at from outside."""

from dataclasses import dataclass, field
from pathlib import Path

# What the allocator keeps varies from run to run; what grows with the records would be tenfold.
_GROWTH_MAX = 1.25


@dataclass
class Memory:
    """What processes held of memory, MiB, one look after the other."""

    resident: list[float] = field(default_factory=list)

    def look(self, pid: int) -> None:
        """Look once more; a process that has just ended holds nothing."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found = [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]
        self.resident += [kib / 1024 for kib in found]

    @property
    def early(self) -> float:
        return max(self.resident[: max(1, len(self.resident) // 4)])

    @property
    def late(self) -> float:
        return max(self.resident[-max(1, len(self.resident) // 4) :])

    @property
    def is_flat(self) -> bool:
        return self.late <= self.early * _GROWTH_MAX

    def __str__(self) -> str:
        return f"{self.early:.0f} MiB early, {self.late:.0f} MiB late, {len(self.resident)} looks"
