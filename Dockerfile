# Debian with Python 3.11 or newer and its pip. Name it by digest to build on the same base again.
# Docker builds this one with profile-guided and link-time optimisation (docs/image.md).
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
# Two optional build secrets say how pip reaches its packages: pip.conf, and the ca.pem it names.
ENV PIP_CONFIG_FILE=/run/secrets/pip.conf \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY deploy/image/install deploy/image/
COPY requirements/run.txt requirements/build.txt requirements/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
    deploy/image/install packages /opt/callback-bridge /opt/build
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
RUN deploy/image/install bridge /opt/callback-bridge /opt/build

FROM ${BASE}
ENV PATH=/opt/callback-bridge/bin:$PATH
COPY --from=build /opt/callback-bridge /opt/callback-bridge
# A volume mounted there takes over its owner. Running the command writes the bytecode of the standard
# library if the base has none: with a read-only root every start would compile it again.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/callback-bridge/spool && callback-bridge --version
ENV BRIDGE_SPOOL_DIRECTORY=/var/lib/callback-bridge/spool \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8080 9090
# Not with urllib, which would use the proxy in HTTP_PROXY.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python3", "-IS", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('BRIDGE_MANAGEMENT_PORT', '9090')), timeout=4); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["callback-bridge"]
CMD ["serve"]
ARG BASE
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="callback-bridge" \
      org.opencontainers.image.description="Publishes Plivo's telephony callbacks to Kafka: verified, normalised, nothing lost." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${BASE}"
