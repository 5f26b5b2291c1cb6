from services.collections.main import NAME, build
from services.collections.settings import CollectionsSettings
from services.common.serve import serve

serve(NAME, CollectionsSettings, build)
