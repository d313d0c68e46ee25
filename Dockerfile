# syntax=docker/dockerfile:1

FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags='-s -w' -o /out/bin/ \
        ./worker ./starter ./internal/consoletest/console-simulator ./internal/healthcheck
# The default folder of the database, and a folder for its temporary files.
RUN mkdir -p /out/data /out/tmp && chmod 1777 /out/tmp

FROM build AS build-connector
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    cd starter/conductorone && \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags='-s -w' -o /out/connector/ .

# The connector for ConductorOne: docker build --target connector. It writes to /tmp only.
FROM scratch AS connector
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/tmp /tmp
COPY --from=build-connector /out/connector /usr/local/bin
ENV PATH=/usr/local/bin
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["baton-sentinelone-provisioner"]

# Nothing but the programs and the certificates they need to trust a console.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/tmp /tmp
COPY --from=build /out/bin /usr/local/bin
ENV PATH=/usr/local/bin
USER 65532:65532
WORKDIR /data
VOLUME /data
ENTRYPOINT ["worker"]
