package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/adminclient"
	"github.com/cdrelay/cdrelay/internal/config"
)

// adminVariable is the environment variable with the address of the private listener.
const adminVariable = "CDRELAY_ADMIN"

// connect returns a client for the server of a command: at --admin, else at
// CDRELAY_ADMIN, else at admin.listen of the configuration.
func connect(cmd *cobra.Command) (*adminclient.Client, error) {
	from, address := "--admin", ""
	flag := cmd.Flags().Lookup("admin")
	switch {
	case flag.Changed:
		address = flag.Value.String()
	case os.Getenv(adminVariable) != "":
		from, address = adminVariable, os.Getenv(adminVariable)
	default:
		var err error
		if address, err = configured(cmd); err != nil {
			return nil, err
		}
		from = "admin.listen"
	}
	client, err := adminclient.New(address, os.Getenv(tokenVariable))
	if err != nil {
		return nil, &usageError{fmt.Errorf("%s: %w", from, err)}
	}
	return client, nil
}

// configured returns the address that the configuration says; there need not be one
// unless it is named.
func configured(cmd *cobra.Command) (string, error) {
	path := configPath(cmd)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !cmd.Flags().Changed("config") {
		return adminclient.DefaultURL, nil
	}
	listen, err := config.AdminListen(path)
	if err != nil {
		return "", fmt.Errorf("%w; or name the server with --admin", err)
	}
	return urlOf(listen)
}

// urlOf returns where a listener of this machine is reached.
func urlOf(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return "", &usageError{fmt.Errorf("admin.listen of the configuration is %q, where no server can be found: name it with --admin", listen)}
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
