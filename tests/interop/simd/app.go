package main

import (
	"io"

	runtimev1alpha1 "cosmossdk.io/api/cosmos/app/runtime/v1alpha1"
	appv1alpha1 "cosmossdk.io/api/cosmos/app/v1alpha1"
	authmodulev1 "cosmossdk.io/api/cosmos/auth/module/v1"
	bankmodulev1 "cosmossdk.io/api/cosmos/bank/module/v1"
	consensusmodulev1 "cosmossdk.io/api/cosmos/consensus/module/v1"
	distrmodulev1 "cosmossdk.io/api/cosmos/distribution/module/v1"
	genutilmodulev1 "cosmossdk.io/api/cosmos/genutil/module/v1"
	mintmodulev1 "cosmossdk.io/api/cosmos/mint/module/v1"
	stakingmodulev1 "cosmossdk.io/api/cosmos/staking/module/v1"
	txconfigv1 "cosmossdk.io/api/cosmos/tx/config/v1"
	"cosmossdk.io/core/appconfig"
	"cosmossdk.io/depinject"
	"cosmossdk.io/log"
	dbm "github.com/cosmos/cosmos-db"
	"google.golang.org/protobuf/proto"

	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	consensustypes "github.com/cosmos/cosmos-sdk/x/consensus/types"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	minttypes "github.com/cosmos/cosmos-sdk/x/mint/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	// Each registers its module for the configuration below.
	_ "github.com/cosmos/cosmos-sdk/x/auth"
	_ "github.com/cosmos/cosmos-sdk/x/auth/tx/config"
	_ "github.com/cosmos/cosmos-sdk/x/bank"
	_ "github.com/cosmos/cosmos-sdk/x/consensus"
	_ "github.com/cosmos/cosmos-sdk/x/distribution"
	_ "github.com/cosmos/cosmos-sdk/x/genutil"
	_ "github.com/cosmos/cosmos-sdk/x/mint"
	_ "github.com/cosmos/cosmos-sdk/x/staking"
)

// configuration names the modules that a proposer's client meets on any Cosmos chain, and the order in
// which a block passes through them: minting before distribution, distribution before staking.
func configuration() depinject.Config {
	module := func(name string, config proto.Message) *appv1alpha1.ModuleConfig {
		return &appv1alpha1.ModuleConfig{Name: name, Config: appconfig.WrapAny(config)}
	}
	account := func(name string, permissions ...string) *authmodulev1.ModuleAccountPermission {
		return &authmodulev1.ModuleAccountPermission{Account: name, Permissions: permissions}
	}
	return appconfig.Compose(&appv1alpha1.Config{Modules: []*appv1alpha1.ModuleConfig{
		module(runtime.ModuleName, &runtimev1alpha1.Module{
			AppName:       "simd",
			BeginBlockers: []string{minttypes.ModuleName, distrtypes.ModuleName, stakingtypes.ModuleName},
			EndBlockers:   []string{stakingtypes.ModuleName},
			InitGenesis: []string{
				authtypes.ModuleName, banktypes.ModuleName, distrtypes.ModuleName, stakingtypes.ModuleName,
				minttypes.ModuleName, genutiltypes.ModuleName, consensustypes.ModuleName,
			},
			OverrideStoreKeys: []*runtimev1alpha1.StoreKeyConfig{
				{ModuleName: authtypes.ModuleName, KvStoreKey: "acc"},
			},
		}),
		module(authtypes.ModuleName, &authmodulev1.Module{
			Bech32Prefix: "cosmos",
			ModuleAccountPermissions: []*authmodulev1.ModuleAccountPermission{
				account(authtypes.FeeCollectorName),
				account(distrtypes.ModuleName),
				account(minttypes.ModuleName, authtypes.Minter),
				account(stakingtypes.BondedPoolName, authtypes.Burner, authtypes.Staking),
				account(stakingtypes.NotBondedPoolName, authtypes.Burner, authtypes.Staking),
			},
		}),
		module(banktypes.ModuleName, &bankmodulev1.Module{}),
		module(stakingtypes.ModuleName, &stakingmodulev1.Module{}),
		module(distrtypes.ModuleName, &distrmodulev1.Module{}),
		module(minttypes.ModuleName, &mintmodulev1.Module{}),
		module(genutiltypes.ModuleName, &genutilmodulev1.Module{}),
		module(consensustypes.ModuleName, &consensusmodulev1.Module{}),
		module("tx", &txconfigv1.Config{}),
	}})
}

// application is the chain: what the modules make of its configuration, and nothing of its own.
type application struct {
	*runtime.App
}

func newApplication(
	logger log.Logger, db dbm.DB, trace io.Writer, options servertypes.AppOptions,
) servertypes.Application {
	var builder *runtime.AppBuilder
	supplied := depinject.Supply(logger, options)
	if err := depinject.Inject(depinject.Configs(configuration(), supplied), &builder); err != nil {
		panic(err)
	}
	app := builder.Build(db, trace, server.DefaultBaseappOptions(options)...)
	if err := app.Load(true); err != nil {
		panic(err)
	}
	return application{app}
}
