"""What the query service is asked and what it answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.common.collections import CollectionName

Question = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")
]
PathText = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]
Score = Annotated[float, Field(ge=-1, le=1)]


class Filters(BaseModel):
    """Where to look; fields left out do not restrict."""

    collection: CollectionName | None = Field(None, description="the default collection when left out")
    document_id: PathText | None = None
    path: PathText | None = Field(None, description="exactly this document")
    path_prefix: PathText | None = Field(None, description="documents whose path begins so")
    score_threshold: Score | None = Field(None, description="leave out what scores less (cosine)")


class SearchQuery(Filters):
    """The parameters of a search."""

    q: Question
    limit: int = Field(10, ge=1, le=100)


class QuestionBody(Filters):
    """A question to be answered from the documents."""

    question: Question
    limit: int = Field(5, ge=1, le=20, description="passages given to the model")
    stream: bool = Field(
        default=False, description="answer as server-sent events; `Accept: text/event-stream` does too"
    )


class DocumentRef(BaseModel):
    """The document a passage comes from."""

    id: str | None
    path: str
    title: str | None


class Result(BaseModel):
    """A passage that a search found."""

    score: float
    text: str
    document: DocumentRef
    chunk: int
    section: str | None = None
    page: int | None = None


class SearchAnswer(BaseModel):
    """The passages nearest to the query, best first."""

    query: str
    collection: str
    results: list[Result]
    took_ms: float


class Citation(BaseModel):
    """A passage that the answer rests on; `[marker]` in the answer points to it."""

    marker: int
    path: str
    title: str | None
    chunk: int
    text: str
    score: float


class Answer(BaseModel):
    """The answer to a question, with its passages."""

    model_config = ConfigDict(
        json_schema_extra={"description": "As events: `sources`, `token`…, `done` (this) or `error`."}
    )

    answer: str
    citations: list[Citation]
    model: str
    took_ms: float
