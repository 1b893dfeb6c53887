# Builds the web app and a static binary; runs as nobody.
FROM node:20-bookworm-slim AS web
WORKDIR /src/dashboard/web
COPY dashboard/web/package.json dashboard/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY dashboard/web/ ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/dashboard/static/app dashboard/static/app
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /fieldcast ./cmd/fieldcast \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /fieldcast /fieldcast
COPY --from=build --chown=nonroot:nonroot /data /data
USER nonroot
VOLUME /data
EXPOSE 8080 1883
ENTRYPOINT ["/fieldcast"]
CMD ["serve", "--data", "/data"]
