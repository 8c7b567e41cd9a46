package webhook

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

const (
	// keptName is the name under which the newest refresh token is kept.
	keptName = "refresh_token"
	// keepTimeout bounds the wait for the store. The token is used all the same.
	keepTimeout = 2 * time.Second
)

// rotation is the refresh token of a sink. An endpoint may hand out a new one with
// each access token, and take the old one no more; so the newest outlives a reload,
// where the next sink shares the rotation, and a restart, where it is kept.
type rotation struct {
	mu      sync.Mutex // guards everything below, and the exchanges
	newest  string
	read    bool // what was kept has been looked for
	unsaved bool
}

// use makes one exchange with the newest refresh token, and keeps the one that
// came of it.
func (r *rotation) use(ctx context.Context, v vault, exchange func(refreshToken string) (*oauth2.Token, error)) (*oauth2.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.find(ctx, v); err != nil {
		return nil, err
	}
	token, err := exchange(r.newest)
	if err == nil && token.RefreshToken != r.newest && isRefreshToken(token.RefreshToken) {
		r.newest, r.unsaved = token.RefreshToken, true
	}
	if r.unsaved {
		r.unsaved = v.put(ctx, r.newest) != nil
	}
	return token, err
}

// find looks once for a token that was kept before the start.
func (r *rotation) find(ctx context.Context, v vault) error {
	if r.read {
		return nil
	}
	kept, err := v.get(ctx)
	if err != nil {
		return problem(outbound.Unwell, "the refresh token that is kept in the spool cannot be read")
	}
	if r.read = true; kept != "" {
		r.newest = kept
	}
	return nil
}

func isRefreshToken(s string) bool { return s != "" && !strings.ContainsFunc(s, unicode.IsControl) }

// vault keeps a refresh token encrypted: AES-256-GCM, with a key that HKDF makes of
// the client's secret and a salt of its own. What is kept opens only with the same
// client and the same configured refresh token: it yields when either changes.
type vault struct {
	config OAuth2
	keep   contract.Keep
}

// The form of what is kept: version, salt, nonce, and the sealed token.
const (
	vaultVersion = 1
	saltSize     = 16
	keySize      = 32
)

var errNotOurs = errors.New("what is kept is of another client or of another refresh token")

// get returns the token that is kept; "" where there is none, or one of another
// configuration.
func (v vault) get(ctx context.Context) (string, error) {
	if v.keep == nil {
		return "", nil
	}
	sealed, err := v.keep.Get(ctx, keptName)
	if err != nil || sealed == nil {
		return "", err
	}
	token, err := v.open(sealed)
	if err != nil {
		return "", nil //nolint:nilerr // what cannot be opened yields to what is configured
	}
	return token, nil
}

func (v vault) put(ctx context.Context, token string) error {
	if v.keep == nil {
		return nil
	}
	sealed, err := v.seal(token)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	return v.keep.Put(ctx, keptName, sealed)
}

func (v vault) seal(token string) ([]byte, error) {
	sealed := make([]byte, 1+saltSize, 1+saltSize+len(token)+64)
	sealed[0] = vaultVersion
	_, _ = rand.Read(sealed[1:]) // never fails
	box, err := v.box(sealed[1:])
	if err != nil {
		return nil, err
	}
	return box.Seal(sealed, nil, []byte(token), v.binding()), nil //nolint:gosec // the box makes its nonce itself
}

func (v vault) open(sealed []byte) (string, error) {
	if len(sealed) < 1+saltSize || sealed[0] != vaultVersion {
		return "", errNotOurs
	}
	box, err := v.box(sealed[1 : 1+saltSize])
	if err != nil {
		return "", err
	}
	token, err := box.Open(nil, nil, sealed[1+saltSize:], v.binding())
	if err != nil {
		return "", errNotOurs
	}
	return string(token), nil
}

// box makes the cipher. A client without a secret has its configured refresh token
// in place of one.
func (v vault) box(salt []byte) (cipher.AEAD, error) {
	secret := v.config.ClientSecret.Reveal()
	if secret == "" {
		secret = v.config.RefreshToken.Reveal()
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), salt, "cdrelay oauth2 refresh token", keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// binding is what must be the same for a token that is kept to be of use.
func (v vault) binding() []byte {
	h := sha256.New()
	for _, part := range []string{v.config.TokenURL.Reveal(), v.config.ClientID.Reveal(), v.config.RefreshToken.Reveal()} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash never fails
	}
	return h.Sum(nil)
}

// inherit shares the rotation of the sink before, where it began with the same
// refresh token.
func (o *oauth) inherit(before *oauth) {
	if o.rotation == nil || before.rotation == nil || string(o.vault.binding()) != string(before.vault.binding()) {
		return
	}
	o.rotation = before.rotation
	if o.vault.config.ClientSecret.Equal(before.vault.config.ClientSecret.Reveal()) {
		return
	}
	o.rotation.mu.Lock()
	defer o.rotation.mu.Unlock()
	o.rotation.unsaved = !o.vault.config.RefreshToken.Equal(o.rotation.newest) // under the new secret
}
