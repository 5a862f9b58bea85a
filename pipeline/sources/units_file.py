"""Stand-in."""
import tomllib, msgspec
from schemas.unit import Unit
class UnitsFileError(ValueError): pass
def parse_units(text): return [msgspec.convert(u, Unit) for u in tomllib.loads(text)["units"]]
