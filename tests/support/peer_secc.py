"""The station of the independent iso15118 package with an output voltage: its own simulator stays at 1 V.

Run by the Python that has that package; the argument is the voltage in V.
"""

import asyncio
import sys

from iso15118.secc import SECCHandler
from iso15118.secc.controller.interface import ServiceStatus
from iso15118.secc.controller.simulator import SimEVSEController
from iso15118.secc.secc_settings import Config
from iso15118.shared.exificient_exi_codec import ExificientEXICodec


async def main(voltage):
    config = Config()
    config.load_envs()
    controller = SimEVSEController()
    controller.evse_data_context.present_voltage = voltage
    await controller.set_status(ServiceStatus.STARTING)
    handler = SECCHandler(exi_codec=ExificientEXICodec(), evse_controller=controller, config=config)
    await handler.start(config.iface)


asyncio.run(main(int(sys.argv[1])))
