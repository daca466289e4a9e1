# The command line, without ffmpeg; docs/packages.md has the calls.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++
WORKDIR /source
COPY CMakeLists.txt LICENSE NOTICE README.md THIRD-PARTY pyproject.toml ./
COPY cmake cmake
COPY cpp cpp
COPY python/novasr python/novasr
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim-bookworm
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip install --no-cache-dir /wheels/*.whl
RUN useradd --create-home novasr && install --directory --owner=novasr /audio
USER novasr
WORKDIR /audio
VOLUME /audio
ENTRYPOINT ["novasr"]
CMD ["--help"]
