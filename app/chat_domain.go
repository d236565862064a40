package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"foyer/models"
)

// What people keep is under their chat addresses, and so is what others know them by: the domain is chosen
// once. The database remembers it.

// OtherChatDomain says that the settings have another chat domain than the database; empty: they have not.
func OtherChatDomain(cfg Config, kept string) string {
	if kept == "" || kept == cfg.Domain {
		return ""
	}
	return fmt.Sprintf("XMPP_DOMAIN is %s, and the people of this database have had their chat addresses at %s: under other addresses they would see none of their messages, contacts and rooms, and nobody would know them by these. "+
		"Set XMPP_DOMAIN=%s, or name another database; if they are to start without these, which then stay under the old addresses, run `foyer chat domain %s` (with Docker: `docker compose run --rm site chat domain %s`)", cfg.Domain, kept, kept, cfg.Domain, cfg.Domain)
}

// checkChatDomain refuses another domain than the database remembers. In development it says so and goes on.
func checkChatDomain(ctx context.Context, cfg Config, db *models.DB, log *slog.Logger) error {
	kept, err := db.ChatDomain(ctx)
	if err != nil {
		return err
	}
	other := OtherChatDomain(cfg, kept)
	if other != "" && !cfg.Development() {
		return errors.New(other)
	}
	if other != "" {
		log.Warn(other)
	}
	return nil
}

// keepChatDomain remembers the domain, once the site is about to serve: one that never did has nobody's addresses. That
// of a trial on this machine may become another; that there was something under it is noted.
func keepChatDomain(ctx context.Context, cfg Config, db *models.DB) error {
	if cfg.Domain == "localhost" && (cfg.BaseURL == "" || isLoopbackURL(cfg.BaseURL)) {
		return db.NoteChatDomain(ctx, cfg.Domain)
	}
	kept, err := db.KeepChatDomain(ctx, cfg.Domain)
	if err != nil || cfg.Development() {
		return err
	}
	if other := OtherChatDomain(cfg, kept); other != "" { // another program was faster
		return errors.New(other)
	}
	return nil
}
