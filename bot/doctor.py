"""x."""
from pydantic import ValidationError
def explain(error: ValidationError) -> list[str]:
    """X."""
    return [str(error)]
