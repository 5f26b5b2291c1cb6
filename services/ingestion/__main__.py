from services.common.serve import serve
from services.ingestion.main import NAME, build
from services.ingestion.settings import IngestionSettings

serve(NAME, IngestionSettings, build)
