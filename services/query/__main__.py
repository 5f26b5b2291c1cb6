from services.common.serve import serve
from services.query.main import NAME, build
from services.query.settings import QuerySettings

serve(NAME, QuerySettings, build)
