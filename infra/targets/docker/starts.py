"""What containers do before their program starts, where the image's own start is not enough.

Postgres and Grafana go by their password's file only while their volume is empty. A stack that was taken down and
comes up again has its data and another password, so it is set at every start, as the local target does.
"""

_POSTGRES = """\
if [ -s "$PGDATA/PG_VERSION" ]; then
    printf "ALTER USER %s PASSWORD '%s';\\n\\n" "$POSTGRES_USER" "$(cat "$POSTGRES_PASSWORD_FILE")" |
        postgres --single -D "$PGDATA" -j postgres >/dev/null || exit
fi
exec docker-entrypoint.sh "$@"
"""
_GRAFANA = """\
if [ -s "$GF_PATHS_DATA/grafana.db" ]; then
    grafana cli admin reset-admin-password --password-from-stdin <"$GF_SECURITY_ADMIN_PASSWORD__FILE" >/dev/null || exit
fi
exec /run.sh "$@"
"""

POSTGRES = ("sh", "-c", _POSTGRES, "sh")
"""As an entrypoint: becomes the image's own, with the command that follows."""
GRAFANA = ("sh", "-c", _GRAFANA, "sh")
"""As an entrypoint: becomes the image's own."""
