"""The stub for editors: valid Lua that has each function once, with its types."""

from __future__ import annotations

import re

import pytest

from secc_kernel.cli import main
from secc_kernel.lua import LuaEngine
from secc_kernel.lua.documentation import options
from secc_kernel.lua.enumerations import members, tables
from secc_kernel.lua.functions import SIDES, find, names
from secc_kernel.lua.session_table import DOCUMENTATION
from secc_kernel.lua.standard import OURS
from secc_kernel.messages import SCHEMAS
from secc_kernel.wire.layers import LAYERS

FUNCTION = re.compile(r"((?:^---.*\n)*)^function (\w+)\.(\w+)\((.*?)\) end$", re.MULTILINE)


@pytest.fixture(scope="module")
def stub():
    """The stub of the standards that are written when nothing is asked for."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["stub"]) == 0
    return out.getvalue()


def declared(text):
    return {f"{table}.{name}": (comments, parameters) for comments, table, name, parameters in FUNCTION.findall(text)}


def test_it_is_lua_and_does_nothing(stub):
    engine = LuaEngine()
    assert engine.run(stub + "\nreturn Secc == SECC, ResponseCodeType.FAILED_SequenceError", "secc.lua") == (
        True,
        "FAILED_SequenceError",
    )
    assert set(engine.members(("Session",))) == {n.partition(".")[2] for n in DOCUMENTATION if n.startswith("Session.")}


def test_every_function_is_there_once(stub):
    found = [f"{table}.{name}" for _, table, name, _ in FUNCTION.findall(stub)]
    assert len(found) == len(set(found))
    wanted = {f"{side}.{name}" for side in SIDES for name in names(side, ("sap", "iso2", "din", "sdp", "slac"))}
    assert wanted | set(DOCUMENTATION) == set(found)
    assert re.findall(r"^function (\w+)\(", stub, re.MULTILINE) == list(OURS)


def test_types_are_those_of_the_declarations(stub):
    known = {"string", "integer", "boolean", *tables((*SCHEMAS, *LAYERS))}
    enumerations = set(re.findall(r"^---@enum (\w+)$", stub, re.MULTILINE))
    for name, (comments, parameters) in declared(stub).items():
        side, _, function = name.partition(".")
        if side not in SIDES:
            continue
        found = find(side, function, ("iso2", "sap", "din", "sdp", "slac"))
        params = re.findall(r"^---@param (\w+)\??\s(\S+)$", comments, re.MULTILINE)
        assert ", ".join(parameter for parameter, _ in params) == parameters, name
        assert [type_ for _, type_ in params] == list(found.parameter_types), name
        returns = re.findall(r"^---@return (\S+)$", comments, re.MULTILINE)
        assert bool(returns) == bool(found.returns), name
        used = {type_ for _, type_ in params} | {type_.rstrip("?") for type_ in returns}
        assert used <= known, name
        assert {type_ for type_ in used if type_.endswith("Type")} <= enumerations, name


def test_the_seeds_functions(stub):
    found = declared(stub)
    assert found["Secc.Set_SessionSetupRes_EVSEID"][1] == "evseId"
    assert "---@param evseId string\n" in found["Secc.Set_SessionSetupRes_EVSEID"][0]
    assert "---@param responseCode ResponseCodeType\n" in found["Secc.Set_SessionSetupRes_ResponseCode"][0]
    assert "---@return string\n" in found["Secc.Get_SessionSetupReq_EVCCID"][0]


def test_what_may_be_absent_may_be_nil(stub):
    found = declared(stub)
    assert "---@return integer?\n" in found["Evcc.Get_SessionSetupRes_EVSETimeStamp"][0]
    assert "---@return integer?\n" in found["Evcc.Get_ServiceDiscoveryRes_ServiceList_ServiceID"][0]
    assert "---@return integer\n" in found["Secc.Get_CurrentDemandReq_DC_EVStatus_EVRESSSOC"][0]


def test_options_are_fields_of_a_class(stub):
    fields = re.search(r"---@class SessionOpenOptions\n((?:---@field .*\n)+)", stub)
    assert fields is not None
    assert re.findall(r"@field (\w+)\? ", fields[1]) == [name for name, _ in options("Session.Open")]
    assert "---@field port? integer " in fields[1]
    assert "---@field strict? boolean " in fields[1]


def test_files_are_small_enough_for_the_server_and_together_the_whole(tmp_path, capsys):
    assert main(["stub", "--folder", str(tmp_path), "--standard", "iso2", "--standard", "sap", "--language", "ko"]) == 0
    assert "files written" in capsys.readouterr().out
    files = sorted(tmp_path.glob("*.lua"))
    assert all(file.stat().st_size < 500_000 for file in files)
    engine = LuaEngine()
    engine.run((tmp_path / "secc.lua").read_text("utf-8"), "secc.lua")
    for file in files:
        if file.name != "secc.lua":
            engine.run(file.read_text("utf-8"), file.name)
    for side in SIDES:
        assert set(engine.members((side,))) == set(names(side, ("iso2", "sap")))
    assert re.search("[가-힣]", (tmp_path / "secc_iso2.lua").read_text("utf-8"))
    assert set(members("ResponseCodeType", ("iso2",))) <= set(engine.members(("ResponseCodeType",)))


def test_an_unusable_folder_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["stub", "--folder", str(tmp_path / "file" / "below")]) == 2
    assert "cannot write the stub" in capsys.readouterr().err
