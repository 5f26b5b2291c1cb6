from services.common.serve import serve
from services.rag.main import NAME, build
from services.rag.settings import RagSettings

serve(NAME, RagSettings, build)
