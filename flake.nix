{
  # The lab under Nix: the same runtimes, from the same pins file that `lab build` reads.
  #
  # What has been checked of this file: that it parses, and that the pins it sees are those of lab/builds/pins.toml (both
  # by the tests). What has not: nothing here was built, since no machine of this project's reaches a Nix cache or GitHub.
  # No flake.lock is committed for the same reason; Nix writes one on first use, and nixpkgs-2023 is pinned by revision
  # here already.
  description = "Reference lab: what WebAssembly costs, and gives, for neural-network inference on edge devices";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";
    # September 2023: it packages every runtime of the paper as it was then.
    nixpkgs-2023.url = "github:NixOS/nixpkgs/da5adce0ffaff10f6d0fee72a02a5ed9d01b52fc";
  };

  outputs =
    { self, nixpkgs, nixpkgs-2023 }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      then' = nixpkgs-2023.legacyPackages.${system};
      pins = builtins.fromTOML (builtins.readFile ./lab/builds/pins.toml);
      # An edition has what it names, and the rest from the edition that it extends.
      runtimesOf =
        edition:
        let
          named = pins.editions.${edition};
        in
        (if named ? extends then runtimesOf named.extends else { }) // (named.runtimes or { });
      names = edition: builtins.filter (name: name != "native") (builtins.attrNames (runtimesOf edition));

      # The released binary that the pins name, held to the checksum they name.
      fromUpstream =
        name: pin:
        pkgs.stdenv.mkDerivation {
          pname = name;
          version = pin.upstream.version or pin.version;
          src = pkgs.fetchurl { inherit (pin.upstream) url sha256; };
          sourceRoot = ".";
          nativeBuildInputs = [ pkgs.autoPatchelfHook ];
          buildInputs = [ pkgs.stdenv.cc.cc.lib pkgs.libffi pkgs.zlib pkgs.ncurses pkgs.libxml2 ];
          dontStrip = true; # the fingerprint carries the sha256 of the binary as released
          installPhase = builtins.concatStringsSep "\n" (
            builtins.attrValues (
              builtins.mapAttrs (member: place: ''
                mkdir -p "$out/$(dirname ${place})"
                cp -r ${member} "$out/${place}"
              '') pin.upstream.members
            )
            ++ [ ''for bin in usr/local/bin usr/bin; do if [ -d "$out/$bin" ]; then ln -sfn "$bin" "$out/bin"; fi; done'' ]
          );
        };

      # Upstream's binary where one is pinned; else the distribution's: of 2023 for the paper.
      package =
        edition: name:
        let
          pin = (runtimesOf edition).${name};
          distribution = if edition == "paper" then then' else pkgs;
        in
        if pin ? upstream then fromUpstream name pin else distribution.${name};

      probe = pkgs.rustPlatform.buildRustPackage {
        pname = "probe";
        version = "0.1.0";
        src = ./rust-guest;
        cargoLock.lockFile = ./rust-guest/Cargo.lock;
        buildAndTestSubdir = "probe";
      };

      # One runtime and the probe, as the Dockerfile's images hold them.
      image =
        edition: name: contents:
        pkgs.dockerTools.buildLayeredImage {
          name = "wasm-edge-lab/${name}";
          tag = "${edition}-nix";
          inherit contents;
          extraCommands = "mkdir -p work tmp && chmod 1777 tmp";
          config = {
            Entrypoint = [ "${probe}/bin/probe" ];
            User = "65534:65534";
            WorkingDir = "/work";
            Env = [ "HOME=/tmp" ];
            Labels = {
              "lab.runtime" = name;
              "lab.edition" = edition;
              "lab.version" = (runtimesOf edition).${name}.version or "";
            };
          };
        };

      perEdition =
        make:
        builtins.listToAttrs (
          builtins.concatMap (
            edition: map (name: { name = "${edition}-${name}"; value = make edition name; }) (names edition)
          ) (builtins.attrNames pins.editions)
        );
      runtimePackages = perEdition package;
      images =
        perEdition (edition: name: image edition name [ (package edition name) probe ])
        // { current-native = image "current" "native" [ probe ]; };
      renamed = builtins.listToAttrs (
        map (name: { name = "image-${name}"; value = images.${name}; }) (builtins.attrNames images)
      );

      tools = [ pkgs.just pkgs.uv pkgs.python311 pkgs.cargo pkgs.rustc pkgs.docker-client pkgs.mmdebstrap pkgs.hadolint ];
      reproduce = pkgs.writeShellApplication {
        name = "reproduce";
        runtimeInputs = tools;
        text = ''
          if [ ! -f Justfile ]; then
            echo "error: no Justfile here; run this in a checkout of the lab" >&2
            exit 2
          fi
          exec just reproduce "$@"
        '';
      };
    in
    {
      inherit pins;
      packages.${system} = runtimePackages // renamed // { inherit probe; default = reproduce; };
      apps.${system} = {
        reproduce = { type = "app"; program = "${reproduce}/bin/reproduce"; };
        default = self.apps.${system}.reproduce;
      };
      devShells.${system}.default = pkgs.mkShell { packages = tools; };
    };
}
