// simd is a Cosmos SDK node with the SDK's own modules and nothing else: what the proposer's client is
// tested against, since nobody of us wrote it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cosmossdk.io/depinject"
	"cosmossdk.io/log"
	cmtcfg "github.com/cometbft/cometbft/config"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/keys"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/server"
	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	simtestutil "github.com/cosmos/cosmos-sdk/testutil/sims"
	"github.com/cosmos/cosmos-sdk/types/module"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	genutilcli "github.com/cosmos/cosmos-sdk/x/genutil/client/cli"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
)

func main() {
	home := filepath.Join(os.TempDir(), "simd")
	if err := svrcmd.Execute(root(home), "", home); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func root(home string) *cobra.Command {
	var (
		registry codectypes.InterfaceRegistry
		appCodec codec.Codec
		txConfig client.TxConfig
		amino    *codec.LegacyAmino
		basics   module.BasicManager
	)
	// The command that makes a genesis asks for the module itself, not for the runtime's wrapping of it.
	whole := map[string]module.AppModuleBasic{
		genutiltypes.ModuleName: genutil.NewAppModuleBasic(genutiltypes.DefaultMessageValidator),
	}
	supplied := depinject.Supply(log.NewNopLogger(), simtestutil.NewAppOptionsWithFlagHome(home), whole)
	injected := depinject.Configs(configuration(), supplied)
	if err := depinject.Inject(injected, &registry, &appCodec, &txConfig, &amino, &basics); err != nil {
		panic(err)
	}
	context := client.Context{}.
		WithCodec(appCodec).
		WithInterfaceRegistry(registry).
		WithTxConfig(txConfig).
		WithLegacyAmino(amino).
		WithInput(os.Stdin).
		WithAccountRetriever(authtypes.AccountRetriever{}).
		WithHomeDir(home).
		WithViper("")
	command := &cobra.Command{
		Use:           "simd",
		Short:         "a Cosmos SDK node with the SDK's own modules",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			context, err := client.ReadPersistentCommandFlags(context.WithCmdContext(command.Context()), command.Flags())
			if err != nil {
				return err
			}
			if context, err = config.ReadFromClientConfig(context); err != nil {
				return err
			}
			if err := client.SetCmdClientContextHandler(context, command); err != nil {
				return err
			}
			settings := serverconfig.DefaultConfig()
			return server.InterceptConfigsPreRunHandler(
				command, serverconfig.DefaultConfigTemplate, settings, cmtcfg.DefaultConfig())
		},
	}
	// Otherwise cobra prints what was asked for as if it were an error.
	command.SetOut(os.Stdout)
	command.AddCommand(
		genutilcli.InitCmd(basics, home),
		genutilcli.Commands(txConfig, basics, home),
		keys.Commands(),
	)
	server.AddCommands(command, home, newApplication, noExport, func(*cobra.Command) {})
	command.PersistentFlags().String(flags.FlagChainID, "", "the chain's id")
	return command
}

func noExport(
	log.Logger, dbm.DB, io.Writer, int64, bool, []string, servertypes.AppOptions, []string,
) (servertypes.ExportedApp, error) {
	return servertypes.ExportedApp{}, errors.New("this node does not export its state")
}
