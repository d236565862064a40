# The site as one static binary. Build: docker build -t foyer .
FROM node:22-bookworm-slim AS assets
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional && node node_modules/esbuild/install.js
COPY scripts/assets.mjs scripts/bundle.mjs scripts/compress.mjs scripts/converse.mjs scripts/
COPY views views
COPY static static
RUN node scripts/assets.mjs

FROM golang:1.26.10-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=assets /src/static static
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /foyer . && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /foyer /foyer
COPY --from=build --chown=nonroot:nonroot /data /data
COPY --from=build --chown=nonroot:nonroot /data /run/foyer
ENV ADDR=:3000 DATA_DIR=/data
EXPOSE 3000
USER nonroot
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/foyer", "healthcheck"]
ENTRYPOINT ["/foyer"]
CMD ["serve"]
