"""What goes wrong, with the status and the words that Qdrant has for it."""


class QdrantError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def malformed(what: str) -> QdrantError:
    """The body is not what this request takes."""
    return QdrantError(400, f"Format error in JSON body: {what}")


def wrong_input(what: str) -> QdrantError:
    """The request is well formed, but can't be done."""
    return QdrantError(400, f"Wrong input: {what}")


def bad_request(what: str) -> QdrantError:
    """The request is well formed, but the cluster isn't such that it can be done."""
    return QdrantError(400, f"Bad request: {what}")


def unsupported(what: str) -> QdrantError:
    """Qdrant can do this, the embedded node can't."""
    return wrong_input(f"{what} is not supported by the embedded node")


def not_found(what: str) -> QdrantError:
    """There is no such thing."""
    return QdrantError(404, f"Not found: {what}")


def no_collection(name: str) -> QdrantError:
    """There is no collection of that name."""
    return not_found(f"Collection `{name}` doesn't exist!")


def conflict(what: str) -> QdrantError:
    """It exists already."""
    return QdrantError(409, f"Wrong input: {what}")


def internal(what: str) -> QdrantError:
    """The cluster can't do it now."""
    return QdrantError(500, f"Service internal error: {what}")
