# syntax=docker/dockerfile:1
# adjudge serve in a container: no torch, no compiler, no root; the shipped model is inside.
#
#   docker build -t adjudge .
#   docker run --rm -p 8000:8000 adjudge
#   docker run --rm -p 8000:8000 -v "$PWD/bge-reranker-v2-m3:/model:ro" adjudge --model bge=/model
#
# EXTRAS: what of the package is installed; "server,torch" for GPUs and for models that OpenVINO does not run.

FROM python:3.12-slim AS build
ARG EXTRAS=server,tracing
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src src
RUN python -m venv /opt/adjudge \
    && /opt/adjudge/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.12-slim
LABEL org.opencontainers.image.title="adjudge" \
      org.opencontainers.image.description="A semantic judge for retrieval, behind HTTP" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/adjudge /opt/adjudge
# HF_HOME: where models from a hub are kept; mount a volume there to download them once.
ENV PATH=/opt/adjudge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/cache
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin adjudge \
    && mkdir /cache \
    && chown adjudge /cache
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# /ready, not /health: what waits for this container waits for its models. A large model needs a longer start period.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
ENTRYPOINT ["adjudge", "serve", "--host", "0.0.0.0", "--port", "8000"]
